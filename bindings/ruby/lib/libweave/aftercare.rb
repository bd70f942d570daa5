# frozen_string_literal: true

require "json"
require "libweave/callbacks"
require "libweave/native"
require "libweave/options"
require "libweave/stop"
require "libweave/values"
require "libweave/waiting"

module Weave
  # Owns what is done with an offline directory after logging: sending it, and looking after it. Without a directory,
  # that of WEAVE_OFFLINE_DIR or ~/.weave/offline is meant.
  module Aftercare
    # Sends what is stored: { "entity/project" => { "calls" => [synced, errors], … } }. What could not be sent stays for
    # the next sync.
    #
    # `project` is one project, nil for all; settings are those of README.md, times in seconds. A block is called with
    # project, kind, records synced and refused, on a thread of its own; it stops the sync by answering false or by an
    # exception, which is raised then. Another thread ends a sync by `stop`, a Weave::Stop; Ctrl-C and Timeout end it
    # too. A failure has what was done in its `results`.
    def sync(offline_dir = nil, project: nil, stop: Stop.new, **settings, &progress)
      talk(:weave_sync, [path(offline_dir), Values.text(project, "project_name"), nil], [], stop, settings, progress)
    end

    # Asks the server for everything that past syncs say it has: { "entity/project" => { "calls" => [found, asked], … }
    # }. With `put_back`, what is missing is sent by the next sync. Settings, `stop` and the block are those of a sync.
    def verify(offline_dir = nil, project: nil, put_back: false, stop: Stop.new, **settings, &progress)
      talk(:weave_verify, [path(offline_dir), Values.text(project, "project_name"), nil], [put_back ? 1 : 0], stop,
           settings, progress)
    end

    # Deletes data files that were sent so many days ago, and file bytes that nothing pending needs; how many.
    def clean(offline_dir = nil, older_than_days: 7)
      Native.answered_count(:weave_clean_synced_files, path(offline_dir), Float(older_than_days))
    end

    # What `clean` would delete: { "files" => [{ "path", "bytes" }, …], "bytes" => in all }.
    def clean_preview(offline_dir = nil, older_than_days: 7)
      Values.decode(Native.answered_text(:weave_clean_preview, path(offline_dir), Float(older_than_days)))
    end

    # What lies in the directory: sizes and counts, in all and of each project and kind.
    def directory_stats(offline_dir = nil)
      Values.decode(Native.answered_text(:weave_directory_stats, path(offline_dir)))
    end

    # The records that a server rejected, with its reasons: of one project and one kind ("calls", …), or of all.
    def rejected(offline_dir = nil, project: nil, kind: nil)
      Values.decode(Native.answered_text(:weave_rejected_list, *which(offline_dir, project, kind)))
    end

    # Puts rejected records back to those that wait for the next sync; how many.
    def retry_rejected(offline_dir = nil, project: nil, kind: nil)
      Native.answered_count(:weave_rejected_retry, *which(offline_dir, project, kind))
    end

    # Writes rejected records to a file that must not exist yet, one JSON object a line; how many.
    def export_rejected(to_file, offline_dir = nil, project: nil, kind: nil)
      Native.answered_count(:weave_rejected_export, *which(offline_dir, project, kind), path(to_file, "to_file"))
    end

    # Gives rejected records up for good; how many.
    def drop_rejected(offline_dir = nil, project: nil, kind: nil)
      Native.answered_count(:weave_rejected_drop, *which(offline_dir, project, kind))
    end

    private

    def path(value, field = "offline_dir")
      Values.text(value.respond_to?(:to_path) ? value.to_path : value, field)
    end

    def which(offline_dir, project, kind)
      [path(offline_dir), Values.text(project, "project_name"), Values.text(kind, "kind")]
    end

    # Calls what talks to a server; its results.
    def talk(function, before, after, stop, settings, tell)
      progress = tell && Progress.new(&tell)
      told, status, message = Waiting.until_done(stop.method(:ask)) do
        Stop.during(stop) do
          Options.settings(stop: stop, progress: progress && Fiddle::Pointer[progress], **settings) do |options|
            told, status = Native.text_and_status(function, *before, options, *after)
            [told, status, status.zero? ? nil : Native.last_error(status)]
          end
        end
      end
      raise progress.raised if status == Status::CANCELLED && progress&.raised

      results = told && Values.decode(told)
      raise Error.new(message, status, results) unless status.zero?

      results
    end
  end
end
