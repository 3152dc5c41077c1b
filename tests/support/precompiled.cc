// Nothing of its own: CMake hangs a precompiled header only on a target that compiles something.
