"""Texts that people see, without what differs each time."""
import re


def masked(text):
    """A text with what differs each time replaced: ids, times, sizes, durations, and the width of columns."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", "TIME", text)
    text = re.sub(r"\b\d+(\.\d)? (B|kB|MB|GB|TB)\b", "SIZE", text)
    text = re.sub(r"\b(now|\d+ [smhd] ago)\b", "AGO", text)
    text = re.sub(r"\b\d+(\.\d)? (µs|ms|s)\b", "SPAN", text)
    return re.sub(r"(?<=\S)  +", "  ", text)
