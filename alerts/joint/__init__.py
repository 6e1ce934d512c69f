"""Joint test cases (联调用例): what a platform must answer first of all. See docs/joint-tests.md."""
