/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules by libnftnl, for those that nft's language cannot say or that must be there without libnftables. */
#pragma once

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

/* For CLEANUP(). */
static inline void rule_freep(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

/* A new expression at the end of the rule, which owns it; NULL without memory. */
static inline struct nftnl_expr *rule_add_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (e)
		nftnl_rule_add_expr(rule, e);
	return e;
}
