# syntax=docker/dockerfile:1

# The operator compiles on the platform that builds and runs on the one that is built for, so
# that no emulation is needed: make docker-buildx.
FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src

# The dependencies are a layer of their own, built again only when they change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/go/cache,id=go-cache-$TARGETARCH \
    GOCACHE=/go/cache CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/operator ./cmd/operator

# No shell, no package manager, nobody but "nonroot".
FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.source=https://github.com/segmentation-dev/segmentation-operator
LABEL org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /out/operator /operator
USER 65532:65532
ENTRYPOINT ["/operator"]
