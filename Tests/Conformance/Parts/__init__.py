"""The parts of Tests/Conformance/check-files: each module has the checks of one topic, or what they share."""
