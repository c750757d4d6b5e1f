"""The toolchain: the programs that Terp drives, pinned, verified and cached."""
