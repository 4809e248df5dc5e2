-- wrk: every request is an upload of so many bytes, the first argument behind `--`.
function init(arguments)
  wrk.method = "PUT"
  wrk.body = string.rep("x", tonumber(arguments[1]))
end
