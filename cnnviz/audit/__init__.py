"""The audit of a data set: duplicates and leaks, wrong labels, odd ones, shortcuts, and a map of all images."""

from cnnviz.audit.audit import Audit, audit, kept_audit, kept_thumbnails, to_json
from cnnviz.audit.process import audit_elsewhere

__all__ = ["Audit", "audit", "audit_elsewhere", "kept_audit", "kept_thumbnails", "to_json"]
