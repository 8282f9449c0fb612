"""What tests of several services build on: a named cast, event builders, fakes of our ports."""
