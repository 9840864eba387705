-- GET /v1/persons/{id}: ids at random out of a file, one a line. Argument: the file.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "summary.lua")

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init(args)
  math.randomseed(seed)
  requests = {}
  for id in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", "/v1/persons/" .. id)
  end
end

function request()
  return requests[math.random(#requests)]
end
