json.list(_ENV) json.list(ctx) json.list(string) ctx.log(type(string),type(utf8),tostring(ctx.ticket),math) for k in pairs(_ENV) do ctx.log(k) end
