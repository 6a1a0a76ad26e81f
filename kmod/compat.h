/* SPDX-License-Identifier: GPL-2.0 */
/* What differs between the kernels this builds for, 6.1 and newer. */
#ifndef RAFTLOG_COMPAT_H
#define RAFTLOG_COMPAT_H

#include <linux/device/class.h>
#include <linux/module.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define RAFTLOG_CONST_DEVICE const struct device
#else
#define RAFTLOG_CONST_DEVICE struct device
#endif

/* 6.10 takes the source from __string() alone. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define raftlog_assign_str(field, source) __assign_str(field)
#else
#define raftlog_assign_str(field, source) __assign_str(field, source)
#endif

/* Newer kernels take the sock, older ones the socket, whatever their versions. */
#define raftlog_setup_tunnel(socket, config)                                     \
	setup_udp_tunnel_sock(sock_net((socket)->sk),                            \
			      _Generic(&setup_udp_tunnel_sock,                   \
				       void (*)(struct net *, struct sock *,     \
						struct udp_tunnel_sock_cfg *)    \
				       : (socket)->sk, default                   \
				       : (socket)),                              \
			      config)

static inline struct class *raftlog_class_create(const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

#endif /* RAFTLOG_COMPAT_H */
