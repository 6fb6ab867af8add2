"""Runs the AWS emulator ministack with AWS's documented behaviour where ministack lacks it."""
