// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests take turns, and each of their exchanges has a port of its own.  With --rate the clock says
 * when an exchange begins, whether or not the ones before it were answered (as far as
 * --concurrency allows): a slow server does not slow its guests down.  A login is two connections
 * of one guest, GET and POST, and counts as one exchange.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/client.h"

enum purpose { ASK, LOGIN_PAGE, LOGIN_FORM };
enum { PORT_FIRST = 1024, BEGIN_MAX = 32, LOGIN_STATUS = 303 };

static const uint64_t SECOND = 1000000000, MILLISECOND = 1000000, LATE = 10000000;

/* As it stands in a URL and in Host. */
static void write_host(const struct addr *addr, char ret_host[static ADDR_TEXT_MAX + 2])
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	snprintf(ret_host, ADDR_TEXT_MAX + 2, addr->family == 6 ? "[%s]" : "%s", text);
}

static int make_request(const struct options *o, int which, uint32_t number,
			struct request *ret_request)
{
	char host[ADDR_TEXT_MAX + 2] = "www.example.com", text[REQUEST_MAX], digits[16] = "";
	int n;

	if (o->login)
		write_host(&o->target[which], host);
	if (o->paths > 1)
		snprintf(digits, sizeof(digits), "%u", number);
	n = snprintf(text, sizeof(text),
		     "GET %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\nAccept: */*\r\n"
		     "Connection: close\r\n",
		     o->login ? "/login" : o->path, digits, host);
	if (n < 0 || (size_t)n + o->cookie + 32 > sizeof(text))
		return -E2BIG;
	if (o->cookie > 0)
		n += sprintf(text + n, "Cookie: c=%0*d\r\n", (int)o->cookie, 0);
	n += sprintf(text + n, "\r\n");
	*ret_request = (struct request){strdup(text), (uint32_t)n};
	return ret_request->text ? 0 : -ENOMEM;
}

static int make_requests(struct client *c, int which)
{
	const struct options *o = c->options;
	int r = 0;

	if (!o->target[which].family)
		return 0;
	c->requests[which] = calloc(o->paths, sizeof(*c->requests[which]));
	if (!c->requests[which])
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < o->paths; i++)
		r = make_request(o, which, i, &c->requests[which][i]);
	return r;
}

int client_init(struct client *c, const struct options *options, struct wire *wire,
		const struct mac *gateway, uint64_t now)
{
	size_t slots = 4 * (size_t)options->concurrency + 1024;
	int r;

	memset(c, 0, sizeof(*c));
	c->options = options;
	c->wire = wire;
	c->gateway = *gateway;
	c->begun_at = c->last_end = now;
	r = make_requests(c, 0);
	if (r == 0)
		r = make_requests(c, 1);
	if (r == 0)
		r = table_init(&c->table, slots,
			       options->login ? RESPONSE_PAGE_MAX : RESPONSE_HEAD_MAX);
	if (r < 0) {
		client_finish(c);
		return r;
	}
	c->ports = calloc(options->guests.count, sizeof(*c->ports));
	for (uint32_t i = 0; c->ports && i < options->guests.count; i++)
		c->ports[i] = (uint16_t)(now / MILLISECOND); /* not those of the run before */
	c->forms = options->login ? calloc(slots, sizeof(*c->forms)) : NULL;
	if (!c->ports || (options->login && !c->forms)) {
		client_finish(c);
		return -ENOMEM;
	}
	return 0;
}

void client_finish(struct client *c)
{
	table_finish(&c->table);
	for (int which = 0; which < 2; which++) {
		for (uint32_t i = 0; c->requests[which] && i < c->options->paths; i++)
			free(c->requests[which][i].text);
		free(c->requests[which]);
		c->requests[which] = NULL;
	}
	free(c->ports);
	free(c->forms);
	c->ports = NULL;
	c->forms = NULL;
}

/* RFC 6528 without the secret: a clock of 4 us, so that a connection that takes up an old one's
 * addresses and ports, even that of a run before, has higher numbers (RFC 9293, 3.6.1). */
static uint32_t first_sequence(const struct conn *conn, uint64_t now)
{
	uint64_t tuple = (uint64_t)conn->guest << 16 | conn->local.port;

	return (uint32_t)(now / 4000) + (uint32_t)(tuple * 0x9e3779b97f4a7c15u >> 32);
}

static bool take_port(struct client *c, uint32_t guest, uint8_t family, uint16_t *ret_port)
{
	for (unsigned int i = 0; i < UINT16_MAX; i++) {
		uint16_t port = ++c->ports[guest];

		if (port < PORT_FIRST)
			port = c->ports[guest] = PORT_FIRST;
		if (!table_find(&c->table, guest, family, port)) {
			*ret_port = port;
			return true;
		}
	}
	return false;
}

static struct conn *prepare(struct client *c, uint32_t guest, uint8_t family, uint64_t now)
{
	struct conn *conn = table_take(&c->table);
	uint16_t port = 0;

	if (!conn)
		return NULL;
	conn->guest = guest;
	guest_mac(guest, &conn->mac);
	guest_addr(&c->options->guests, guest, family, &conn->local);
	take_port(c, guest, family, &port);
	conn->local.port = port;
	conn->remote = c->options->target[family == 6];
	conn->to_mac = c->gateway;
	conn->bare_ack = c->options->bare_ack;
	/* both families ask for all paths: they take turns as well */
	const struct request *request =
		&c->requests[family == 6][c->counts.begun / 2 % c->options->paths];

	conn->request = (const uint8_t *)request->text;
	conn->request_len = request->len;
	conn->give_up_at = now + c->options->timeout * SECOND;
	conn->first_started = now;
	table_insert(&c->table, conn);
	return conn;
}

static uint8_t family_of(const struct client *c, uint64_t number)
{
	const struct options *o = c->options;

	if (!o->target[1].family)
		return 4;
	if (!o->target[0].family)
		return 6;
	/* every second time each guest is asked for */
	return (number + number / o->guests.count) % 2 ? 6 : 4;
}

static bool begin(struct client *c, uint64_t now)
{
	uint64_t number = c->counts.begun;
	uint32_t guest = (uint32_t)(number % c->options->guests.count);
	struct conn *conn = prepare(c, guest, family_of(c, number), now);

	if (!conn)
		return false;
	conn->purpose = c->options->login ? LOGIN_PAGE : ASK;
	if (c->options->rate && now > c->begun_at + number * SECOND / c->options->rate + LATE)
		c->counts.held_back++;
	conn_start(conn, c->wire, first_sequence(conn, now), now);
	c->counts.begun++;
	c->under_way++;
	return true;
}

/* Exchanges that should have begun by now. */
static uint64_t due(const struct client *c, uint64_t now)
{
	const struct options *o = c->options;
	uint64_t end = o->exchanges ? o->exchanges : UINT64_MAX, by_rate;

	if (!o->rate)
		return end;
	by_rate = (now - c->begun_at) / 1000 * o->rate / 1000000 + 1;
	return by_rate < end ? by_rate : end;
}

bool client_run(struct client *c, uint64_t now)
{
	const struct options *o = c->options;
	uint64_t wanted = due(c, now);

	if (c->stopped || o->idle)
		return c->under_way > 0;
	for (int i = 0; i < BEGIN_MAX && c->counts.begun < wanted; i++) {
		if (c->under_way >= o->concurrency || !begin(c, now))
			break;
	}
	if (o->exchanges && c->counts.begun >= o->exchanges)
		c->stopped = true;
	return true;
}

void client_stop(struct client *c)
{
	c->stopped = true;
}

static void keep_sample(struct client *c, const struct response *r)
{
	size_t len = r->kept < SAMPLE_MAX ? r->kept : SAMPLE_MAX;

	if (c->wrong[0])
		return;
	for (size_t i = 0; i < len; i++)
		c->wrong[i] = r->buf[i] >= ' ' && r->buf[i] <= '~' ? r->buf[i] : ' ';
	if (len == 0)
		strcpy(c->wrong, "(empty)");
}

/* The second half of a login, with the page's token. */
static bool post_form(struct client *c, const struct conn *page, uint64_t now)
{
	char token[RESPONSE_TOKEN_MAX], host[ADDR_TEXT_MAX + 2];
	struct conn *conn;
	char *form;
	int n;

	if (response_token(&page->response, token) < 0)
		return false;
	conn = prepare(c, page->guest, page->local.family, now);
	if (!conn)
		return false;
	form = c->forms[conn - c->table.conns];
	write_host(&conn->remote, host);
	n = snprintf(form, sizeof(*c->forms),
		     "POST /login HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
		     "Content-Type: application/x-www-form-urlencoded\r\n"
		     "Content-Length: %zu\r\n\r\ntoken=%s&accept=yes",
		     host, strlen(token) + strlen("token=&accept=yes"), token);
	conn->request = (const uint8_t *)form;
	conn->request_len = (uint32_t)n;
	conn->purpose = LOGIN_FORM;
	conn->first_started = page->first_started;
	conn->give_up_at = page->give_up_at;
	conn_start(conn, c->wire, first_sequence(conn, now), now);
	return true;
}

static void judge(struct client *c, const struct conn *conn, uint64_t now)
{
	static const unsigned int login_status[] = {
		[LOGIN_PAGE] = 200, [LOGIN_FORM] = LOGIN_STATUS};
	unsigned int status =
		conn->purpose == ASK ? c->options->status : login_status[conn->purpose];
	unsigned int tries = conn->syns < TRIES_MAX ? conn->syns : TRIES_MAX;
	bool right = response_is_whole(&conn->response) && conn->response.status == status;

	if (right && conn->purpose == LOGIN_PAGE && post_form(c, conn, now))
		return;
	c->under_way--;
	c->last_end = now;
	if (!right || conn->purpose == LOGIN_PAGE) {
		c->counts.wrong++;
		keep_sample(c, &conn->response);
		return;
	}
	c->counts.right++;
	c->counts.answer_bytes += conn->response.head + conn->response.length;
	c->counts.tries[tries - 1]++;
	latency_add(&c->latency, now - conn->first_started);
}

static void handle(struct client *c, struct conn *conn, enum conn_event event, uint64_t now)
{
	uint64_t *const counters[] = {
		[CONN_CLOSED] = NULL,
		[CONN_RESET] = &c->counts.reset,
		[CONN_RESET_LATE] = &c->counts.reset_late,
		[CONN_TIMEOUT] = &c->counts.timeout,
		[CONN_UNCLOSED] = &c->counts.unclosed,
	};

	if (event == CONN_FINISHED)
		judge(c, conn, now);
	if (event == CONN_NOTHING || event == CONN_FINISHED)
		return;
	if (counters[event])
		(*counters[event])++;
	if (event == CONN_RESET || event == CONN_TIMEOUT) {
		c->under_way--;
		c->last_end = now;
	}
	c->counts.resent += conn->resent;
	c->counts.out_of_order += conn->out_of_order;
	table_remove(&c->table, conn);
}

void client_receive(struct client *c, uint32_t guest, const struct segment *s, uint64_t now)
{
	struct conn *conn = table_find(&c->table, guest, s->to.family, s->to.port);

	if (!conn || !addr_equal(&conn->remote, &s->from) || conn->remote.port != s->from.port)
		c->counts.strays++;
	else
		handle(c, conn, conn_receive(conn, c->wire, s, now), now);
}

void client_tick(struct client *c, uint64_t now)
{
	for (size_t i = 0; i < c->table.size; i++) {
		struct conn *conn = &c->table.conns[i];

		if (conn->state != CONN_FREE)
			handle(c, conn, conn_tick(conn, c->wire, now), now);
	}
}
