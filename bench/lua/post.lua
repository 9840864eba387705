-- POST /v1/persons: every e-mail address is new. Argument: a word that no run had before.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "summary.lua")

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  word, count = args[1], 0
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  count = count + 1
  local email = string.format("%s-%d-%d@example.com", word, number, count)
  local body = string.format('{"name": "Grace Hopper %d", "email": "%s", "age": %d}', count, email, count % 100)
  return wrk.format("POST", "/v1/persons", nil, body)
end
