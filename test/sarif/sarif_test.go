package sarif

import (
	"bytes"
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	// The schema is read from the source of this package.
	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// carrier is the package that has the schema, as a constant of this name in this file.
const (
	carrier      = "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	carrierFile  = "schema.go"
	carrierConst = "schema"
)

// printed are outputs of the command; its own tests compare them with what it prints.
var printed = filepath.Join("..", "..", "internal", "cli", "testdata", "audit", "golden")

// schemaText is the schema in the source of the module that carries it.
func schemaText(t *testing.T) string {
	t.Helper()
	found, err := build.Import(carrier, ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(found.Dir, carrierFile), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := constant(file, carrierConst)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// constant is the value of a constant that is a string.
func constant(file *ast.File, name string) (string, error) {
	object := file.Scope.Lookup(name)
	if object == nil {
		return "", errors.New("there is no constant " + name)
	}
	spec, isValue := object.Decl.(*ast.ValueSpec)
	if !isValue || len(spec.Values) != 1 {
		return "", errors.New(name + " is no constant")
	}
	literal, isLiteral := spec.Values[0].(*ast.BasicLit)
	if !isLiteral {
		return "", errors.New(name + " is no literal")
	}
	return strconv.Unquote(literal.Value)
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text := schemaText(t)
	for _, want := range []string{
		"Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema",
		"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
	} {
		if !strings.Contains(text, want) {
			t.Fatalf("it is another schema: no %s", want)
		}
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, log []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

func TestWhatAuditPrintsIsAsTheSchemaHasIt(t *testing.T) {
	schema := compiled(t)
	for name, file := range map[string]string{
		"all that it finds": "sarif.txt", "nothing found": "sarif-nothing.txt", "something not read": "sarif-unread.txt",
	} {
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join(printed, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, schema, log); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheSchemaRefusesMistakes shows that the validation can fail.
func TestTheSchemaRefusesMistakes(t *testing.T) {
	schema := compiled(t)
	log, err := os.ReadFile(filepath.Join(printed, "sarif.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, mistake := range map[string][2]string{
		"a level that there is not":    {`"level": "error"`, `"level": "bad"`},
		"a field that there is not":    {`"ruleIndex"`, `"ruleNumber"`},
		"a result without its message": {`"message": {`, `"comment": {`},
		"an index that can be none":    {`"ruleIndex": 4`, `"ruleIndex": -7`},
		"an address that is none":      {`"informationUri": "https://`, `"informationUri": "::`},
		"another version":              {`"version": "2.1.0"`, `"version": "2.2.0"`},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := bytes.ReplaceAll(log, []byte(mistake[0]), []byte(mistake[1]))
			if bytes.Equal(wrong, log) {
				t.Fatalf("the log has no %s", mistake[0])
			}
			if validate(t, schema, wrong) == nil {
				t.Error("the schema lets it pass")
			}
		})
	}
}
