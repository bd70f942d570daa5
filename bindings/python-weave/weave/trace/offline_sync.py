"""Sending an offline directory, and recording requests into one."""
from libweave import OfflineDataSyncer, OfflineTraceServer, sync_offline_data

__all__ = ["OfflineDataSyncer", "OfflineTraceServer", "sync_offline_data"]
