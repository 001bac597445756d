"""Demand: does a gain in efficiency lower or raise the demand for compute?"""
