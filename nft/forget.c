/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "nft/forget.h"

enum { DUMP_TRIES = 3 };

static const uint8_t families[] = {AF_INET, AF_INET6};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

/* One pass over the tables of both families. */
struct sweep {
	struct conntrack_guest *guests;
	size_t count;
	uint32_t *ids; /* of those who asked */
	size_t id_count;
	size_t family;
	int tries, error; /* error: the first one */
	size_t deleted;
	/* of the datagram that is being read: */
	struct conntrack_entry *found;
	size_t found_count, found_room;
};

static void sweep_free(struct sweep *s)
{
	if (!s)
		return;
	free(s->guests);
	free(s->ids);
	free(s->found);
	free(s);
}

int forget_init(struct forgetting *f, struct netlink *nl)
{
	f->nl = nl;
	return netlink_init(&f->dumps, NETLINK_NETFILTER, 0);
}

void forget_finish(struct forgetting *f)
{
	sweep_free(f->under_way);
	sweep_free(f->next);
	netlink_finish(&f->dumps);
}

static int finish_sweep(struct forgetting *f)
{
	struct sweep *s = f->under_way;
	int r = 0;

	log_debug("%zu conntrack entries of %zu addresses deleted", s->deleted, s->count);
	for (size_t i = 0; i < s->id_count && r == 0; i++)
		r = f->done(f->data, s->ids[i], s->error);
	sweep_free(s);
	f->under_way = NULL;
	return r;
}

static void note_error(struct sweep *s, int error)
{
	if (s->error == 0)
		s->error = error;
}

/* The dump of the next family, or of this one again; 1: there is no other. */
static int begin_dump(struct forgetting *f)
{
	struct sweep *s = f->under_way;
	int r = -EAGAIN;

	for (; s->family < FAMILIES && r < 0; s->family += r < 0) {
		r = conntrack_dump(&f->dumps, families[s->family], &f->dump);
		if (r < 0)
			note_error(s, r);
	}
	return r < 0 ? 1 : 0;
}

/* What has been asked for; when a pass has ended, what was asked during it. */
static int begin_sweeps(struct forgetting *f)
{
	int r = 0;

	while (r == 0 && !f->under_way && f->next) {
		f->under_way = f->next;
		f->next = NULL;
		conntrack_sort(f->under_way->guests, f->under_way->count);
		if (begin_dump(f) != 0)
			r = finish_sweep(f);
	}
	return r;
}

static int take_entry(const struct nlmsghdr *nlh, void *data)
{
	struct sweep *s = data;
	struct conntrack_entry entry;

	if (!conntrack_match(nlh, s->guests, s->count, &entry))
		return MNL_CB_OK;
	if (s->found_count == s->found_room) {
		const size_t room = s->found_room ? 2 * s->found_room : 64;
		struct conntrack_entry *larger = reallocarray(s->found, room, sizeof(*larger));

		if (!larger) {
			note_error(s, -ENOMEM);
			return MNL_CB_OK;
		}
		s->found = larger;
		s->found_room = room;
	}
	s->found[s->found_count++] = entry;
	return MNL_CB_OK;
}

/* A dump goes on behind an entry that it gave last, or with the whole of its bucket if that is gone. */
static void delete_found(struct forgetting *f)
{
	struct sweep *s = f->under_way;

	for (size_t i = 0; i < s->found_count; i++) {
		int r = conntrack_delete(f->nl, &s->found[i]);

		if (r == 0)
			s->deleted++;
		else if (r != -ENOENT)
			note_error(s, r);
	}
	s->found_count = 0;
}

int forget_go_on(struct forgetting *f)
{
	struct sweep *s = f->under_way;
	struct sweep none = {0};
	int r = netlink_dump_next(&f->dumps, &f->dump, MSG_DONTWAIT, take_entry, s ? s : &none);

	if (!s || r == -EAGAIN)
		return 0;
	delete_found(f);
	if (r == 0)
		return 0;
	if (r < 0 && (r != -EINTR || ++s->tries == DUMP_TRIES))
		note_error(s, r);
	if (r != -EINTR || s->tries == DUMP_TRIES) {
		s->family++;
		s->tries = 0;
	}
	if (begin_dump(f) == 0)
		return 0;
	r = finish_sweep(f);
	return r < 0 ? r : begin_sweeps(f);
}

/* Room for what one more message asks. */
static struct sweep *make_room(struct forgetting *f, size_t count)
{
	struct sweep *s = f->next ? f->next : calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	f->next = s;
	struct conntrack_guest *guests =
		reallocarray(s->guests, s->count + count + 1, sizeof(*guests));

	if (guests)
		s->guests = guests;
	uint32_t *ids = reallocarray(s->ids, s->id_count + 1, sizeof(*ids));

	if (ids)
		s->ids = ids;
	return guests && ids ? s : NULL;
}

int forget_ask(struct forgetting *f, const struct gate_forget *ask, const struct web_ports *ports)
{
	struct sweep *s = make_room(f, ask->count);

	if (!s)
		return -ENOMEM;
	for (uint32_t i = 0; i < ask->count; i++)
		s->guests[s->count++] = (struct conntrack_guest){ask->addrs[i], *ports};
	s->ids[s->id_count++] = ask->head.id;
	return begin_sweeps(f);
}
