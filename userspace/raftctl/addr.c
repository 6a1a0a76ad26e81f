// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addr.h"

static const char *parse_port(const char *text, struct raftlog_addr *addr)
{
	unsigned long port;
	char *end;

	if (*text < '0' || *text > '9')
		return "the port is not a number";
	port = strtoul(text, &end, 10);
	if (*end)
		return "the port is not a number";
	if (port < 1 || port > 65535)
		return "the port is not between 1 and 65535";
	addr->port = htons(port);
	return NULL;
}

static const char *parse_scope(const char *text, struct raftlog_addr *addr)
{
	char *end;

	addr->scope_id = if_nametoindex(text);
	if (addr->scope_id)
		return NULL;
	addr->scope_id = strtoul(text, &end, 10);
	if (*end || end == text || !addr->scope_id)
		return "there is no such network interface";
	return NULL;
}

const char *addr_parse(const char *text, struct raftlog_addr *addr)
{
	char host[ADDR_CHARS];
	const char *colon, *start = text, *end, *wrong = NULL;
	char *scope;

	memset(addr, 0, sizeof(*addr));
	colon = strrchr(text, ':');
	if (!colon)
		return "a port is missing: ADDRESS:PORT";
	end = colon;
	if (*text == '[') {
		if (end == text + 1 || end[-1] != ']')
			return "the port is missing: [ADDRESS]:PORT";
		start++;
		end--;
	} else if (memchr(text, ':', colon - text)) {
		return "an IPv6 address needs brackets: [ADDRESS]:PORT";
	}
	if ((size_t)(end - start) >= sizeof(host))
		return "too long for an address";
	memcpy(host, start, end - start);
	host[end - start] = '\0';

	if (*text == '[') {
		addr->family = AF_INET6;
		scope = strchr(host, '%');
		if (scope) {
			*scope++ = '\0';
			wrong = parse_scope(scope, addr);
		}
	} else {
		addr->family = AF_INET;
	}
	if (inet_pton(addr->family, host, addr->ip) != 1)
		return addr->family == AF_INET ?
			       "not a numeric IPv4 address (names are not looked up)" :
			       "not an IPv6 address";
	return wrong ? wrong : parse_port(colon + 1, addr);
}

const char *addr_format(char *buf, const struct raftlog_addr *addr)
{
	char host[INET6_ADDRSTRLEN], interface[IF_NAMESIZE];
	unsigned int port = ntohs(addr->port);

	if (!inet_ntop(addr->family, addr->ip, host, sizeof(host)))
		snprintf(buf, ADDR_CHARS, "-");
	else if (addr->family == AF_INET)
		snprintf(buf, ADDR_CHARS, "%s:%u", host, port);
	else if (!addr->scope_id)
		snprintf(buf, ADDR_CHARS, "[%s]:%u", host, port);
	else if (if_indextoname(addr->scope_id, interface))
		snprintf(buf, ADDR_CHARS, "[%s%%%s]:%u", host, interface, port);
	else
		snprintf(buf, ADDR_CHARS, "[%s%%%u]:%u", host, addr->scope_id,
			 port);
	return buf;
}

bool addr_equal(const struct raftlog_addr *a, const struct raftlog_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool addr_is_any(const struct raftlog_addr *addr)
{
	static const unsigned char zeros[sizeof(addr->ip)];

	return !memcmp(addr->ip, zeros, sizeof(zeros));
}
