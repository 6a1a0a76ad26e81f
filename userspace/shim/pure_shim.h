/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User space's side of kmod/pure.h: the kernel names that the pure layers use,
 * with the kernel's meaning.
 */
#ifndef RAFTLOG_PURE_SHIM_H
#define RAFTLOG_PURE_SHIM_H

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define U8_MAX ((u8)~0)
#define U16_MAX ((u16)~0)
#define U32_MAX (~0u)
#define S32_MAX INT_MAX
#define U64_MAX (~0ull)
#define S64_MAX ((s64)(U64_MAX >> 1))

#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_SEC 1000000000L

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define __must_check __attribute__((__warn_unused_result__))
#define __packed __attribute__((__packed__))
#define __aligned(x) __attribute__((__aligned__(x)))
#define __maybe_unused __attribute__((__unused__))
#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define fallthrough __attribute__((__fallthrough__))
#ifndef __force
#define __force
#endif

#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define BUILD_BUG_ON_MSG(condition, message) \
	_Static_assert(!(condition), message)
#ifndef static_assert
#define static_assert _Static_assert
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* Like the kernel's, these refuse operands of different types. */
#define __pure_compare(x, y, op)                                        \
	({                                                              \
		__typeof__(x) _x = (x);                                 \
		__typeof__(y) _y = (y);                                 \
		(void)(&_x == &_y);                                     \
		_x op _y ? _x : _y;                                     \
	})
#define min(x, y) __pure_compare(x, y, <)
#define max(x, y) __pure_compare(x, y, >)
#define min_t(type, x, y) min((type)(x), (type)(y))
#define max_t(type, x, y) max((type)(x), (type)(y))
#define clamp(value, low, high) min(max(value, low), high)
#define clamp_t(type, value, low, high) \
	clamp((type)(value), (type)(low), (type)(high))
#define swap(a, b)                       \
	do {                             \
		__typeof__(a) _tmp = (a); \
		(a) = (b);               \
		(b) = _tmp;              \
	} while (0)

#define ALIGN(x, a) \
	(((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define round_down(x, y) ((x) & ~((__typeof__(x))((y) - 1)))
#define round_up(x, y) ((((x) - 1) | ((__typeof__(x))((y) - 1))) + 1)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define BIT(n) (1ul << (n))
#define BIT_ULL(n) (1ull << (n))

static inline bool is_power_of_2(unsigned long n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u32 hweight32(u32 w)
{
	return (u32)__builtin_popcount(w);
}

static inline u32 hweight64(u64 w)
{
	return (u32)__builtin_popcountll(w);
}

#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d) __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

static inline size_t size_mul(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_mul_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_add_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

#define array_size(a, b) size_mul(a, b)
#define struct_size(p, member, n) \
	size_add(sizeof(*(p)), size_mul(n, sizeof((p)->member[0])))

#define __PURE_LE(bits)                                                   \
	static inline u##bits le##bits##_to_cpu(__le##bits value)         \
	{                                                                 \
		return le##bits##toh((__force u##bits)value);             \
	}                                                                 \
	static inline __le##bits cpu_to_le##bits(u##bits value)           \
	{                                                                 \
		return (__force __le##bits)htole##bits(value);            \
	}                                                                 \
	static inline u##bits get_unaligned_le##bits(const void *p)       \
	{                                                                 \
		u##bits value;                                            \
		memcpy(&value, p, sizeof(value));                         \
		return le##bits##toh(value);                              \
	}                                                                 \
	static inline void put_unaligned_le##bits(u##bits value, void *p) \
	{                                                                 \
		value = htole##bits(value);                               \
		memcpy(p, &value, sizeof(value));                         \
	}
__PURE_LE(16)
__PURE_LE(32)
__PURE_LE(64)

/* First byte of @p that is not @c, or NULL. */
static inline void *memchr_inv(const void *p, int c, size_t bytes)
{
	const u8 *byte = p;

	for (; bytes; bytes--, byte++)
		if (*byte != (u8)c)
			return (void *)byte;
	return NULL;
}

#include "crc32c.h"
#include "list.h"

#endif /* RAFTLOG_PURE_SHIM_H */
