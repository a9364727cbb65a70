"""Grading: learners' answers run where they can see and reach nothing, on inputs they did not choose.

The parent makes the inputs from a hidden seed and judges the outputs. A child process, which holds
the package without ``dlbook.exercises``, runs the answers and returns plain data.
"""
