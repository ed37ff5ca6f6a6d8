-- Sends every request of a file once to a path: lines of Authorization key, Idempotency-Key, JSON body,
-- separated by tabs; the second stands for {id} in the path. One thread, so one cursor. Prints its figures as JSON for `load.py`.

local requests = {}
local sent = 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local path = args[2]
  local number = 0
  for line in io.lines(args[1]) do
    local key, id, body = line:match("([^\t]*)\t([^\t]*)\t(.*)")
    number = number + 1
    requests[number] = table.concat({
      "POST ", (path:gsub("{id}", id)), " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n",
      "Authorization: Bearer ", key, "\r\nIdempotency-Key: ", id, "\r\nContent-Length: ", #body,
      "\r\n\r\n", body,
    })
  end
  capacity = number
  used = 0
end

function request()
  sent = sent + 1
  used = sent
  return requests[math.min(sent, capacity)]
end

function done(summary, latency, _)
  local thread = threads[1]
  local errors = summary.errors
  io.write(string.format(
    '\n{"answered": %d, "duration_us": %d, "refused": %d, "broken": %d, "sent": %d,'
      .. ' "capacity": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    thread:get("used"), thread:get("capacity"),
    latency:percentile(50), latency:percentile(99)))
end
