-- The health of a SegmentationProfile, from its conditions, which have the meaning that kstatus gives them. It calls no
-- library but the base one: a script in argocd-cm gets no other unless useOpenLibs says so.
local hs = {
  status = "Progressing",
  message = "waiting for the segmentation operator to look at this generation of the profile",
}

-- Without this, the old generation's status would pass for the answer to what was just synced. The API server sets
-- observedGeneration to -1 in a new profile, so that there are no first seconds without a status either.
if obj.status == nil or obj.status.conditions == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local ready, reconciling, stalled = conditions.Ready, conditions.Reconciling, conditions.Stalled

-- What needs a person is Degraded even if the operator goes on elsewhere: work that is tried for ever must not hide it.
if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = stalled.reason .. ": " .. stalled.message
  return hs
end

if reconciling ~= nil and reconciling.status == "True" then
  hs.message = reconciling.message
  return hs
end

-- A profile in Preview is Healthy, and its message says that nothing is written. It is not Suspended, as a sync with
-- waves waits for Healthy: it would wait until somebody enforces the profile.
if ready ~= nil and ready.status == "True" then
  hs.status = "Healthy"
  hs.message = ready.message
  -- What others opened is worth a word, though syncing the profile again would not mend it.
  local isolated = conditions.Isolated
  if isolated ~= nil and isolated.status == "False" then
    hs.message = hs.message .. "; not isolated: " .. isolated.message
  end
  return hs
end

if ready ~= nil then
  hs.message = ready.message
end
return hs
