# frozen_string_literal: true

require_relative "lib/libweave/version"

Gem::Specification.new do |spec|
  spec.name = "libweave"
  spec.version = Weave::VERSION
  spec.summary = "Offline tracing for W&B Weave: log without a network, sync later"
  spec.authors = ["The libweave authors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  # A gem carries the shared library when it was copied there before the build.
  spec.files = Dir["lib/**/*.rb", "lib/libweave/weave.cdef", "lib/libweave/libweave.{so,so.0,dylib}", "README.md"]
  # Both come with Ruby; from some version on, such gems are to be named.
  spec.add_dependency "fiddle", "~> 1.1"
  spec.add_dependency "json", "~> 2.6"
end
