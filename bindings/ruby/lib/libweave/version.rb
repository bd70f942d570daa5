# frozen_string_literal: true

module Weave
  VERSION = "0.1.0"
end
