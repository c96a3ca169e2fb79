"""What one can do with the packages, run from a checkout; nothing here is installed.

digits     a third domain, handwritten digits, written outside the packages
lecture    the figures of docs/lecture.md
"""
