/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket (run-dir/control.sock, SOCK_STREAM), for root and the group portald.
 *
 * One JSON object a line, both ways; the client asks, the gateway answers with one line (list and
 * watch: several).  Requests; "?" marks what may be left out:
 *
 *   {"verb":"status"}
 *   {"verb":"list", "zone"?:Z}
 *   {"verb":"show", "mac":M, "zone"?:Z}
 *   {"verb":"grant", "macs":[M...], "zone"?:Z, "for"?:SECONDS, LIMITS,
 *    "note"?:TEXT}
 *   {"verb":"set", "macs":[M...], "zone"?:Z, "for"?:SECONDS FROM NOW, "more"?:SECONDS, LIMITS,
 *    "note"?:TEXT}
 *   {"verb":"revoke", "macs":[M...], "zone"?:Z}  or  {"verb":"revoke", "all":true, "zone"?:Z}
 *   {"verb":"block", "macs":[M...], "zone"?:Z, "note"?:TEXT}
 *   {"verb":"unblock", "macs":[M...], "zone"?:Z}
 *   {"verb":"blocked", "zone"?:Z}
 *   {"verb":"trust", "macs":[M...], "zone"?:Z, "note"?:TEXT}
 *   {"verb":"untrust", "macs":[M...], "zone"?:Z}
 *   {"verb":"trusted", "zone"?:Z}
 *   {"verb":"history", "zone"?:Z, "since"?:UNIX SECONDS}
 *   {"verb":"metrics"}
 *   {"verb":"watch"}
 *
 * Answers:
 *
 *   any     {"error":TEXT} why it was refused; the connection stays open unless it was no JSON
 *   any     {"starting":TEXT} the gateway is not ready; the answer comes when it is
 *   status  {"version":T, "pid":N, "uptime":SECONDS, "config":PATH,
 *            "zones":[{"name":T, "interface":T, "state":"ready"|"missing"|"refused"|"failed",
 *                      "divert":"redirect", "login":"click-through", "session":SECONDS,
 *                      "portal-port":N, "divert-port":N, "sessions":N,
 *                      "hostname":T|null, "https":BOOL, "api":URI|null that DHCP is to give
 *                      (RFC 8910), "no-api":TEXT|null why there is none}],
 *            "processes":[{"name":"portald-gate", "pid":N}...], "warnings":[TEXT...]}
 *   list    {"sessions":[SESSION...], "more":BOOL} until "more" is false
 *   show    {"sessions":[SESSION...]} one for each zone in which the MAC has a session
 *   grant   {"granted":N, "replaced":N, "refused":[{"mac":M, "why":TEXT}]}
 *   set     {"changed":N, "unknown":[M...], "refused":[{"mac":M, "why":TEXT}]}
 *   revoke  {"revoked":N, "unknown":[M...]}
 *   block   {"blocked":N, "ended":N sessions, "refused":[{"mac":M, "why":TEXT}]}
 *   unblock {"unblocked":N, "unknown":[M...], "refused":[{"mac":M, "why":TEXT}]}
 *   blocked {"blocked":[{"zone":Z or "" for all, "mac":M, "note":T, "added":UNIX SECONDS}...],
 *            "more":BOOL} until "more" is false
 *   trust, untrust, trusted: the same with "trusted" and "untrusted"
 *   history {"ended":[ENDED...], "more":BOOL} until "more" is false; by their ends
 *   metrics {"metrics":TEXT} as Prometheus reads it
 *   watch   {"watching":true}, then EVENT for each event until the client closes
 *
 * SESSION: {"zone":Z, "mac":M, "how":"login"|"grant", "note":T, "started":UNIX SECONDS,
 *           "seconds-used":N, "seconds-left":N, "bytes-up":N, "bytes-down":N, "addresses":[T...],
 *           LIMITS}
 * LIMITS:  "idle"?:SECONDS, "quota-up"?:BYTES, "quota-down"?:BYTES, "quota-total"?:BYTES,
 *          "rate-up"?:BITS A SECOND, "rate-down"?:BITS A SECOND; 0: none.  In a session all are there.
 * ENDED:   {"zone":Z, "mac":M, "how":"login"|"grant", "note":T, "started":UNIX SECONDS,
 *           "seconds-used":N, "ended":UNIX SECONDS, "why":an event's name, "extended":N times, "bytes-up":N,
 *           "bytes-down":N}
 * EVENT:   {"event":"login"|"logout"|"expiry"|"grant"|"change"|"extend"|"revoke"|"block"|"quota"|
 *           "idle"|"trust",
 *           "time":UNIX SECONDS WITH FRACTION,
 *           "zone":Z, "mac":M, "note":T, "seconds":N (login, grant, change, extend: how long)}
 *
 * "macs" may be empty.  What is no MAC is refused by itself; the others of a request are done in transactions of 256.  "zone"
 * may be left out of a grant only if there is one zone; of the rest it then means every zone.
 */
#pragma once

enum {
	CONTROL_LINE_MAX = 256 * 1024, /* bytes of one request */
	CONTROL_MACS_MAX = 4096,       /* in one request */
	CONTROL_LIST_MAX = 256,	       /* sessions in one line of list */
	CONTROL_CLIENTS_MAX = 64,      /* connections at once */
};
