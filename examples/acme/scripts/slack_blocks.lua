-- A Slack message of blocks: https://api.slack.com/block-kit says what they may hold.
local slack_blocks = {}

-- What people have written mentions nobody and is no link.
local function said(words)
  return text.slack_escape(words or "No subject")
end

local function section(words)
  return { type = "section", text = { type = "mrkdwn", text = words } }
end

function slack_blocks.announce(ctx)
  local ticket = ctx.ticket
  local blocks = json.list({ section("*" .. said(text.truncate(ticket.subject or "No subject", 100)) .. "*") })
  local facts = json.list()
  for _, name in ipairs({ "priority", "assignee", "language" }) do
    if ticket[name] then
      table.insert(facts, { type = "mrkdwn", text = name .. ": " .. said(ticket[name]) })
    end
  end
  if #facts > 0 then table.insert(blocks, { type = "context", elements = facts }) end
  ctx.action("slack.post_message", {
    channel = ctx.args.channel,
    text = said(ticket.subject),
    blocks = blocks,
  })
end

return slack_blocks
