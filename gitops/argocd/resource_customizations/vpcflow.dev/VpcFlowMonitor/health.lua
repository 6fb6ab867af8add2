-- Health of a VpcFlowMonitor, a VpcFlowFleet or a VpcFlowOverview, by its kstatus conditions: Ready always, Reconciling and Stalled only while true.
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function is_true(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end

local hs = {}
local observed = obj.status ~= nil and obj.status.observedGeneration == obj.metadata.generation
-- Ready says in one sentence what stands in the way, whatever the other conditions are.
if conditions["Ready"] ~= nil and observed then
  hs.message = conditions["Ready"].message
else
  hs.message = "Waiting for the operator to look at this generation"
end

if obj.spec.suspend == true then
  hs.status = "Suspended"
elseif not observed then
  hs.status = "Progressing"
elseif is_true("Stalled") then
  -- Nothing helps before somebody changes something, in a deletion too.
  hs.status = "Degraded"
elseif obj.metadata.deletionTimestamp ~= nil or is_true("Reconciling") or conditions["Ready"] == nil then
  hs.status = "Progressing"
elseif is_true("Ready") then
  hs.status = "Healthy"
else
  -- The operator has nothing left to do, and records of the monitor still do not arrive.
  hs.status = "Degraded"
end
return hs
