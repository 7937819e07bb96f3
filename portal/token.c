/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "common/proto.h"
#include "portal/token.h"

struct token {
	uint8_t time[8]; /* big endian */
	uint8_t hash[crypto_auth_BYTES];
};

/* What is hashed; fixed size, so that no two inputs share one text. */
struct token_input {
	char purpose[16];
	char zone[ZONE_NAME_MAX];
	uint8_t mac[MAC_LEN];
	uint8_t time[8];
};

_Static_assert(crypto_auth_KEYBYTES == TOKEN_SECRET_LEN, "the secret is the key");
_Static_assert(sizeof(struct token_input) == 16 + ZONE_NAME_MAX + MAC_LEN + 8, "no hidden padding");
_Static_assert(sodium_base64_ENCODED_LEN(sizeof(struct token),
					 sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
		       TOKEN_TEXT_MAX,
	       "room for the text");

static struct token_input token_input(const char *zone, const struct mac *mac,
				      const uint8_t time[8])
{
	struct token_input in = {.purpose = "portald form 1"};

	memcpy(in.zone, zone, strnlen(zone, sizeof(in.zone)));
	memcpy(in.mac, mac->b, sizeof(in.mac));
	memcpy(in.time, time, sizeof(in.time));
	return in;
}

void token_make(const uint8_t secret[static TOKEN_SECRET_LEN], const char *zone,
		const struct mac *mac, int64_t now, char ret_text[static TOKEN_TEXT_MAX])
{
	struct token token;

	for (int i = 0; i < 8; i++)
		token.time[i] = (uint8_t)((uint64_t)now >> (56 - 8 * i));
	struct token_input in = token_input(zone, mac, token.time);

	crypto_auth(token.hash, (const unsigned char *)&in, sizeof(in), secret);
	sodium_bin2base64(ret_text, TOKEN_TEXT_MAX, (const unsigned char *)&token, sizeof(token),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int token_check(const uint8_t secret[static TOKEN_SECRET_LEN], const char *zone,
		const struct mac *mac, int64_t now, const char *text)
{
	struct token token;
	uint64_t made = 0;
	size_t len;

	if (sodium_base642bin((unsigned char *)&token, sizeof(token), text, strlen(text), NULL,
			      &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return -EINVAL;
	if (len != sizeof(token))
		return -EINVAL;
	struct token_input in = token_input(zone, mac, token.time);

	if (crypto_auth_verify(token.hash, (const unsigned char *)&in, sizeof(in), secret) != 0)
		return -EINVAL;
	for (int i = 0; i < 8; i++)
		made = made << 8 | token.time[i];
	/* ours, so `made` is a time and the differences below do not overflow */
	if ((int64_t)made > now + TOKEN_SKEW || (int64_t)made + TOKEN_LIFE < now)
		return -ETIME;
	return 0;
}
