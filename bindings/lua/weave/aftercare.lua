--- Owns what is done with an offline directory after logging: sending it, and looking after it. Without a directory,
--- that of WEAVE_OFFLINE_DIR or ~/.weave/offline is meant.
local C = require "weave.library"
local answer = require "weave.answer"
local failure = require "weave.failure"
local options = require "weave.options"
local reader = require "weave.reader"

local M = {}

local guarded, text = failure.guarded, failure.text
local Text, Count = answer.Text, answer.Count

--- The directory and which records: of the project and of the kind that are given, or of all.
local function which(directory, given)
  given = failure.settings(given)
  return text(directory, "directory"), text(given.project, "project"), text(given.kind, "kind")
end

--- The project of a sync, which is an argument of its own, and the other settings.
local function split(given)
  local settings = {}
  for name, value in pairs(failure.settings(given)) do settings[name] = value end
  local project = text(settings.project, "project")
  settings.project = nil
  return project, options.settings(settings)
end

--- The results of what talks to a server, which are there also beside most failures: as the fourth value.
local function results(status, place)
  local told = answer.taken(place)
  local read = told and reader.decode(told)
  failure.check(status, read)
  return read
end

--- Sends what is stored: { ["entity/project"] = { calls = { synced, errors }, … } }. What could not be sent stays for
--- the next sync. May be given: `project`, `api_key`, `base_url`, `destination` and other options of README.md.
M.sync = guarded(function(directory, given)
  local project, settings = split(given)
  local place = Text()
  return results(C.weave_sync(text(directory, "directory"), project, nil, settings, place), place)
end)

--- Asks the server for everything that past syncs say it has: { ["entity/project"] = { calls = { found, asked }, … } }.
--- With `put_back`, what is missing is sent by the next sync. Options are those of a sync.
M.verify = guarded(function(directory, given, put_back)
  local project, settings = split(given)
  local place = Text()
  return results(C.weave_verify(text(directory, "directory"), project, nil, settings, put_back == true, place), place)
end)

local function days(given) return options.number(given == nil and 7 or given, "older_than_days") end

--- Deletes data files that were sent so many days ago, and file bytes that nothing pending needs; how many.
M.clean = guarded(function(directory, older_than_days)
  local place = Count()
  return answer.count(C.weave_clean_synced_files(text(directory, "directory"), days(older_than_days), place), place)
end)

--- What `clean` would delete: { files = { { path =, bytes = }, … }, bytes = in all }.
M.clean_preview = guarded(function(directory, older_than_days)
  local place = Text()
  return reader.decode(answer.text(C.weave_clean_preview(text(directory, "directory"), days(older_than_days), place),
    place))
end)

--- What lies in the directory: sizes and counts, in all and of each project and kind.
M.directory_stats = guarded(function(directory)
  local place = Text()
  return reader.decode(answer.text(C.weave_directory_stats(text(directory, "directory"), place), place))
end)

--- The records that a server rejected, with its reasons; `given` may name a `project` and a `kind`.
M.rejected = guarded(function(directory, given)
  local folder, project, kind = which(directory, given)
  local place = Text()
  return reader.decode(answer.text(C.weave_rejected_list(folder, project, kind, place), place))
end)

--- Puts rejected records back to those that wait for the next sync; how many.
M.retry_rejected = guarded(function(directory, given)
  local folder, project, kind = which(directory, given)
  local place = Count()
  return answer.count(C.weave_rejected_retry(folder, project, kind, place), place)
end)

--- Writes rejected records to a file that must not exist yet, one JSON object a line; how many.
M.export_rejected = guarded(function(directory, to_file, given)
  local folder, project, kind = which(directory, given)
  local place = Count()
  return answer.count(C.weave_rejected_export(folder, project, kind, text(to_file, "to_file"), place), place)
end)

--- Gives rejected records up for good; how many.
M.drop_rejected = guarded(function(directory, given)
  local folder, project, kind = which(directory, given)
  local place = Count()
  return answer.count(C.weave_rejected_drop(folder, project, kind, place), place)
end)

return M
