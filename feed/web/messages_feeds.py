"""Texts of the page of the feed files."""

from typing import Final

FEEDS: Final[dict[str, str]] = {
    "feeds.title": "Feed files",
    "feeds.intro": "The same list as the zones, for those who do not ask DNS. All files of a zone are made "
    "from one snapshot, replaced as a whole, and say inside until when they may be used.",
    "feeds.terms": "Free of charge, under these terms:",
    "feeds.of": "Zone {zone}",
    "feeds.none": "The files have not been made yet. They come within a few minutes of the first "
    "publication.",
    "feeds.busy": "Others are asking for their changes at this moment; ask again in a few seconds.",
    "feeds.serial": "Serial",
    "feeds.entries": "Networks",
    "feeds.current": "Confirmed current",
    "feeds.ago": "{when}, {time} ago",
    "feeds.expires": "Do not use after",
    "feeds.changes": "Changes since this serial",
    "feeds.file": "File",
    "feeds.size": "Size",
    "feeds.digest": "SHA-256",
    "feeds.packed": "{size} compressed",
    "feeds.caption": "Files of {zone}",
    "feeds.snapshot": "snapshot, for mirrors with `backscatter-dnsbl`",
    "feeds.plain-v4": "IPv4, one address or network a line; lines with # are comments",
    "feeds.plain-v6": "IPv6, the same",
    "feeds.csv": "CSV with code, text and expiry",
    "feeds.jsonl": "JSON lines; the last one says how many there are",
    "feeds.bind": "zone file for BIND, NSD and Knot",
    "feeds.rbldnsd-ip4trie": "rbldnsd, IPv4",
    "feeds.rbldnsd-ip6trie": "rbldnsd, IPv6",
    "feeds.fetch": "How to fetch them",
    "feeds.fetch_1": "Ask with the ETag of last time (`If-None-Match`); an unchanged file is answered with "
    "304. The files are made anew at most once a minute, so more often brings nothing. One network may "
    "fetch {downloads} files an hour; 304 is not counted.",
    "feeds.fetch_2": "Compressed files are sent to those who accept `gzip`. Parts can be fetched by "
    "`Range` with `If-Range`. `Repr-Digest` holds the SHA-256 of what was sent; put `.sha256` behind a "
    "name for that of the file as it is.",
    "feeds.fetch_3": "Whoever has the list of some serial fetches what changed: take off each network with "
    "`left`, then add each with `came`; the last line has the new serial. Status 410 means that the serial "
    "is older than three days or unknown: fetch the whole list.",
    "feeds.example": "Fetch the list if it changed, check it, and fetch the changes later",
    "feeds.mirror": "A mirror",
    "feeds.mirror_text": "`backscatter-dnsbl` fetches the snapshot by itself, checks it, and serves it on.",
    "feeds.wall": "Do not use the files in a firewall: blocking port 25 of a listed server loses its "
    "wanted mail.",
    "feeds.since": "Say from which serial: since=NUMBER.",
    "feeds.gone": "What changed since then is not known any more, or is more than the list itself. Fetch "
    "{name}.",
    "feeds.not_yet": "This file has not been made yet. Try again in a minute.",
}
