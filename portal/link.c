/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include <arpa/inet.h>

#include "common/text.h"
#include "common/text_buffer.h"
#include "portal/link.h"

#define DIGITS "0123456789"

enum { NAME_MAX_BYTES = 253, PORT_DIGITS_MAX = 5 };

/* The length of a well-formed host with an optional port at the beginning of text, which ends there
 * or at one of `ends`; 0 if there is none. */
static size_t host_length(const char *text, const char *ends)
{
	size_t n;

	if (*text == '[') {
		n = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
		if (n == 1 || text[n] != ']' || n >= ADDR_TEXT_MAX + 1)
			return 0;
		n++;
	} else {
		n = text_span(text, "-._");
		if (n == 0 || n > NAME_MAX_BYTES)
			return 0;
	}
	if (text[n] == ':') {
		size_t digits = strspn(text + n + 1, DIGITS);

		if (digits > PORT_DIGITS_MAX)
			return 0;
		n += 1 + digits;
	}
	return text[n] == '\0' || strchr(ends, text[n]) ? n : 0;
}

static void copy_host(const char *text, const char *ends, char ret_host[static LINK_HOST_MAX])
{
	size_t n = host_length(text, ends);

	memcpy(ret_host, text, n);
	ret_host[n] = '\0';
}

void link_split(const char *target, const char *host_header, struct link_target *ret_target)
{
	static const char http[] = "http://";
	const char *path = target;

	*ret_target = (struct link_target){0};
	if (strncasecmp(target, http, sizeof(http) - 1) == 0) {
		target += sizeof(http) - 1;
		path = target + strcspn(target, "/?");
		copy_host(target, "/?", ret_target->host);
		ret_target->host_given = true;
	} else if (host_header) {
		copy_host(host_header, "", ret_target->host);
		ret_target->host_given = *host_header;
	}
	if (*path != '/')
		path = "";
	ret_target->path = path;
	ret_target->path_len = strcspn(path, "?#");
	if (path[ret_target->path_len] == '?')
		ret_target->query = path + ret_target->path_len + 1;
}

/* The bytes of host before ":80", ":" or its end; 0 if it has another port. */
static size_t without_port(const char *host)
{
	const char *colon = host[0] == '[' ? strstr(host, "]:") : strrchr(host, ':');

	if (!colon)
		return strlen(host);
	if (*colon == ']')
		colon++;
	return colon[1] == '\0' || strcmp(colon, ":80") == 0 ? (size_t)(colon - host) : 0;
}

size_t link_name_length(const char *host)
{
	const size_t len = without_port(host);

	return len > 1 && host[len - 1] == '.' ? len - 1 : len;
}

/* host is "192.0.2.1" or "[2001:db8::1]", len its bytes without the port */
static bool parse_address(const char *host, size_t len, struct addr *ret_addr)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr = {.family = 4};

	if (len > 2 && host[0] == '[') {
		addr.family = 6;
		host++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(addr.family == 4 ? AF_INET : AF_INET6, text, addr.b) != 1)
		return false;
	*ret_addr = addr;
	return true;
}

bool link_is_portal(const char *host, const char *hostname, const struct addr *local)
{
	size_t len = link_name_length(host);
	struct addr addr;

	if (len == 0)
		return false;
	if (parse_address(host, len, &addr))
		return addr_equal(&addr, local);
	if (!hostname)
		return false;
	return len == strlen(hostname) && strncasecmp(host, hostname, len) == 0;
}

bool link_is_address(const char *host)
{
	const char *colon = host[0] == '[' ? strstr(host, "]:") : strrchr(host, ':');
	size_t len = colon ? (size_t)(colon - host) + (*colon == ']') : strlen(host);
	struct addr addr;

	return parse_address(host, len, &addr);
}

bool link_is_hostname(const char *name)
{
	size_t n = text_span(name, "-.");

	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

static void make_origin(const char *scheme, const char *before, const char *host,
			const char *behind, char ret_origin[static LINK_ORIGIN_MAX])
{
	struct text_buffer b = text_begin(ret_origin, LINK_ORIGIN_MAX);

	text_add_string(&b, scheme);
	text_add_string(&b, before);
	text_add(&b, host, strnlen(host, NAME_MAX_BYTES));
	text_add_string(&b, behind);
	text_end(&b);
}

void link_origin(const char *hostname, const struct addr *local,
		 char ret_origin[static LINK_ORIGIN_MAX])
{
	char text[ADDR_TEXT_MAX];

	if (hostname)
		make_origin("http://", "", hostname, "", ret_origin);
	else if (local->family == 6)
		make_origin("http://", "[", addr_format(local, text), "]", ret_origin);
	else
		make_origin("http://", "", addr_format(local, text), "", ret_origin);
}

void link_secure_origin(const char *hostname, char ret_origin[static LINK_ORIGIN_MAX])
{
	make_origin("https://", "", hostname, "", ret_origin);
}

/* Names that no person asks for: the probes of captive-portal detectors. */
static bool is_probe(const char *host)
{
	static const char *const hosts[] = {
		"captive.apple.com",
		"connectivity-check.ubuntu.com",
		"connectivitycheck.gstatic.com",
		"conntest.nintendowifi.net",
		"ctest.cdn.nintendo.net",
		"detectportal.brave-http-only.com",
		"detectportal.firefox.com",
		"edge-http.microsoft.com",
		"ipv4.connman.net",
		"ipv6.connman.net",
		"ipv6.msftconnecttest.com",
		"netcts.cdn-apple.com",
		"network-test.debian.org",
		"networkcheck.kde.org",
		"nmcheck.gnome.org",
		"spectrum.s3.amazonaws.com",
		"test.steampowered.com",
		"www.msftconnecttest.com",
		"www.msftncsi.com",
	};
	size_t len = link_name_length(host);

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (strlen(hosts[i]) == len && strncasecmp(hosts[i], host, len) == 0)
			return true;
	}
	return false;
}

void link_original(const struct link_target *target, char ret_url[static LINK_TO_MAX])
{
	struct text_buffer b = text_begin(ret_url, LINK_TO_MAX);

	text_add_string(&b, "http://");
	text_add_string(&b, target->host);
	text_add_string(&b, target->path);
	text_end(&b);
	if (b.cut || !*target->host || !*target->path || is_probe(target->host) ||
	    !link_is_web(ret_url))
		ret_url[0] = '\0';
}

/* What comes behind "http://" or "https://"; NULL for any other text */
static const char *behind_scheme(const char *url)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return url + strlen(schemes[i]);
	}
	return NULL;
}

bool link_is_web(const char *url)
{
	const char *host = behind_scheme(url);

	if (!host || strnlen(url, LINK_TO_MAX) == LINK_TO_MAX)
		return false;
	size_t n = host_length(host, "/?#");

	return n > 0 && host[n + text_span(host + n, "-._~:/?#[]@!$&'()*+,;=%")] == '\0';
}

void link_host(const char *url, char ret_host[static LINK_HOST_MAX])
{
	const char *host = behind_scheme(url);

	copy_host(host ? host : "", "/?#", ret_host);
}

/* RFC 3986, 2.1 */
static void add_escaped(struct text_buffer *b, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";
	const char text[] = {'%', digits[byte >> 4], digits[byte & 15]};

	text_add(b, text, sizeof(text));
}

void link_with_to(const char *origin, const char *path, const char *url,
		  char ret_link[static LINK_LOGIN_MAX])
{
	struct text_buffer b = text_begin(ret_link, LINK_LOGIN_MAX);

	text_add_string(&b, origin);
	text_add_string(&b, "/");
	text_add_string(&b, path);
	if (*url)
		text_add_string(&b, "?to=");
	while (*url) {
		const size_t plain = text_span(url, "-._~/:");

		text_add(&b, url, plain);
		url += plain;
		if (*url)
			add_escaped(&b, (unsigned char)*url++);
	}
	text_end(&b);
}
