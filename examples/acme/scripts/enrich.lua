-- A lead that comes without a score gets one, from what the CRM knows of the company behind its address.
local enrich = {}

local points_of_plan = { enterprise = 35, team = 25, free = 10 }

local function domain_of(email)
  return email and string.match(text.fold(email), "@([%w%.%-]+)$")
end

-- Up to 60 for its size, the rest for what it has bought.
local function score_of(company)
  local size = math.min(60, math.floor(math.log(1 + (company.employees or 0), 2) * 7))
  return size + (points_of_plan[company.plan] or 0)
end

function enrich.run(ctx)
  local domain = domain_of(ctx.lead.email)
  if not domain then return end
  -- Many leads come from one company: what the CRM said a moment ago is good enough.
  local company, problem = ctx.call("crm.find_company", { domain = domain }, { cache = "1h" })
  if problem and problem.code ~= "not_found" then
    -- Sales looks at it; the lead is decided all the same.
    ctx.add_tags("not-enriched")
    ctx.log("the CRM does not answer: ", problem.message)
    return
  end
  if not company or not company.name then
    ctx.add_tags("unknown-company")
    return
  end
  ctx.set("lead.company", company.name)
  ctx.set("lead.custom.employees", company.employees or 0)
  if points_of_plan[company.plan] then ctx.set("lead.custom.plan", company.plan) end
  if company.owner then ctx.set("lead.owner", company.owner) end
  ctx.set("lead.score", score_of(company))
end

return enrich
