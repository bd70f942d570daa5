"""Threads and pools that hand the parent of calls on."""
from libweave import ContextAwareThread, ContextAwareThreadPoolExecutor, Thread, ThreadPoolExecutor

__all__ = ["ContextAwareThread", "ContextAwareThreadPoolExecutor", "Thread", "ThreadPoolExecutor"]
