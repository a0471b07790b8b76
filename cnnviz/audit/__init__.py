"""The audit of a data set: duplicates and leaks, wrong labels, odd ones, shortcuts, and a map of all images."""

from cnnviz.audit.audit import Audit, audit, kept_audit, to_json

__all__ = ["Audit", "audit", "kept_audit", "to_json"]
