"""Starts the emulator: ``python -m overlay``.

Environment: ``BIND_HOST`` and ``GATEWAY_PORT`` (ministack's own), ``EXIT_ON_STDIN_EOF=1`` to end with the
parent's end of the pipe, ``EMULATOR_DATA_DIR`` for temporary files (default: a folder removed at the end).
"""

import contextlib
import logging
import os
import signal
import tempfile
import threading


def _exit_on_stdin_eof() -> None:
    while os.read(0, 4096):
        pass
    # SIGTERM, not os._exit: it runs the cleanup of temporary files and Lambda workers.
    os.kill(os.getpid(), signal.SIGTERM)


def _isolate(data_dir: str) -> None:
    """Keep all state of this run in ``data_dir``, and every AWS setting of the caller out of it."""
    os.environ["TMPDIR"] = data_dir
    os.environ["S3_DATA_DIR"] = os.path.join(data_dir, "s3")
    os.environ["STATE_DIR"] = os.path.join(data_dir, "state")
    os.environ["PERSIST_STATE"] = "0"
    os.environ["S3_PERSIST"] = "0"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    # Functions run as subprocesses on this host: their calls must come back here.
    os.environ.setdefault("MINISTACK_HOST", "127.0.0.1")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        os.environ.pop(name, None)
    tempfile.tempdir = data_dir


def main() -> None:
    with contextlib.ExitStack() as stack:
        data_dir = os.environ.get("EMULATOR_DATA_DIR") or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True)
        )
        _isolate(data_dir)
        if os.environ.get("EXIT_ON_STDIN_EOF") == "1":
            threading.Thread(target=_exit_on_stdin_eof, daemon=True).start()
        # It misses a package that only signing with KMS keys needs.
        logging.getLogger("kms").setLevel(logging.ERROR)
        # ministack reads its environment when imported.
        from overlay import server

        server.run()


if __name__ == "__main__":
    main()
