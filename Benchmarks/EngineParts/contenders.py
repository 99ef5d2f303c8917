"""What is compared: options of one server."""

ENGINES = {engine: ["--engine", engine] for engine in ("buffered", "direct", "auto")}

# Of the option that sets an engine's blocks.
BLOCK_OPTIONS = {"buffered": "--block-size", "direct": "--direct-block-size"}
BLOCK_BYTE_COUNTS = [64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20]


def block_contenders(engine):
    return {
        byte_count: ["--engine", engine, BLOCK_OPTIONS[engine], str(byte_count)] for byte_count in BLOCK_BYTE_COUNTS}
