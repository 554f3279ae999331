#!/usr/bin/env python3
"""Installs the build into a temporary folder, builds embed.cpp against it as another project would, and runs it.

    embed_test.py CMAKE GENERATOR BUILD_DIR CXX_COMPILER
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {result.returncode}:\n{result.stdout}")
    return result.stdout


cmake, generator, build, compiler = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="tocsin-embed-") as folder:
    prefix = os.path.join(folder, "prefix")
    run(cmake, "--install", build, "--prefix", prefix)
    version = run(os.path.join(prefix, "bin", "tocsin"), "--version")
    assert version.startswith("tocsin "), version
    own = os.path.join(folder, "build")
    run(cmake, "-G", generator, "-S", HERE, "-B", own, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}")
    run(cmake, "--build", own)
    answer = run(os.path.join(own, "embed"), os.path.join(folder, "data")).split()
    assert answer == ["room,n,longest", "kitchen,2,7"], answer
    question = ["query", "--db", os.path.join(folder, "data"), "--format", "csv", "from door | stats n = count()"]
    assert run(os.path.join(prefix, "bin", "tocsin"), *question).split() == ["n", "2"]
