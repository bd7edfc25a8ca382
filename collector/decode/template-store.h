/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TemplateStore: the templates of one stream, by id.
 *
 * The sender's port joins the key only when it must: an id has one variant, whoever
 * announced it, until two ports announce it with different bodies, as two devices
 * behind one NAT do.  From then on each port has its own; a port that announced
 * nothing (data from another port of a device behind a load balancer) gets the
 * newest.
 *
 * Over UDP anybody can forge a definition.  A new one takes the place of the old at
 * once (RFC 7011 8.4), but:
 *
 *  - An id flaps when a definition comes back that had been replaced: each forged one
 * is undone by the next true announcement.  When that has happened TEMPLATE_STORE_FLAPS
 * times, each within an hour of the last, the elder of the two is held for hold_us, and
 * others are refused.
 *  - A store that pins takes no other definition for an id it knows, from no port,
 *    and gives up none for want of room; only age ends one.
 *
 * Bounded by a TemplateBudget that all stores share; a store that is full gives up
 * its own least recently used variant, never another store's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode/template.h"

#define TEMPLATE_VARIANT_PORTS 6

#define TEMPLATE_STORE_FLAPS   4
#define TEMPLATE_STORE_FLAP_US INT64_C(3600000000)

typedef struct TemplateVariant TemplateVariant;
struct TemplateVariant {
    Template *template;
    int64_t announced_us;                   /* receive time, newest */
    int64_t told_us;                        /* when tell() was called for it, newest */
    uint16_t ports[TEMPLATE_VARIANT_PORTS]; /* who announced it, newest first */
    uint8_t n_ports;
    uint16_t listener;  /* where it was announced, newest */
    uint16_t told_port; /* the first of them: with the id, its name to others */
    uint64_t hash;      /* of its body */
    int64_t since_us;   /* when this definition was first announced */
    uint64_t before;    /* hash of the one it took the place of; 0 = of none */
    int64_t before_since_us;
    uint32_t n_flaps;       /* definitions that came back */
    int64_t flapped_us;     /* the last time */
    int64_t held_until_us;  /* no other definition is taken until then; 0 = any */
    TemplateVariant *next;  /* of the same id */
    TemplateVariant *newer; /* by use */
    TemplateVariant *older;
};

typedef struct {
    GHashTable *variants; /* id -> first TemplateVariant; NULL = none yet */
    TemplateVariant *newest;
    TemplateVariant *oldest;
    size_t n_variants;
    bool pins;   /* an id keeps the definition it has */
    bool is_udp; /* definitions age, and one that flaps is held for a while */
} TemplateStore;

typedef struct {
    size_t max_templates; /* in one store */
    size_t max_bytes;     /* in all stores */
    size_t max_fields;    /* in one template */
    int64_t lifetime_us;  /* 0 = for ever */
    int64_t hold_us;      /* how long a definition is held; 0 = never */
    size_t n_bytes;       /* held now, in all stores */
    /* A variant is new, is different, is still announced after half its life, or
     * (@is_gone) is about to be forgotten.  May be NULL. */
    void (*tell)(const TemplateVariant *variant, bool is_gone, void *user_data);
} TemplateBudget;

typedef enum {
    TEMPLATE_ADDED,
    TEMPLATE_CHANGED,   /* its id had another body before */
    TEMPLATE_REFRESHED, /* nothing new */
    TEMPLATE_NO_ROOM,   /* not even after giving up all others of this store */
} TemplatePut;

/* DECODE_OK, or why @record, announced from @port, may not take the place of what is
 * known. */
DecodeStatus template_store_check(const TemplateStore *self,
                                  const TemplateBudget *budget,
                                  const TemplateRecord *record, uint16_t port,
                                  int64_t now_us);

/* How a template came. */
typedef struct {
    uint16_t port; /* of the sender */
    uint16_t listener;
    int64_t now_us;
} TemplateOrigin;

/* Takes a reference to @template.  @n_evicted counts the variants that had to go for
 * it; @user_data is for tell(). */
TemplatePut template_store_put(TemplateStore *self, TemplateBudget *budget,
                               Template *template, const TemplateOrigin *origin,
                               size_t *n_evicted, void *user_data);

/* The template for data from @port, or NULL; an expired one is as good as none.
 * Lent until the store changes. */
Template *template_store_find(const TemplateStore *self, const TemplateBudget *budget,
                              uint16_t id, uint16_t port, int64_t now_us);

/* True when ports disagree about @id. */
bool template_store_is_contested(const TemplateStore *self, uint16_t id);

/* The template of @id whose record is the very @record, whoever announced it. */
Template *template_store_find_same(const TemplateStore *self,
                                   const TemplateRecord *record);

/* Notes that data came for @id. */
void template_store_touch(TemplateStore *self, uint16_t id);

/* RFC 7011 8.1: forgets @id, or all of one kind; false when there was no @id. */
bool template_store_withdraw(TemplateStore *self, TemplateBudget *budget, uint16_t id,
                             void *user_data);
void template_store_withdraw_all(TemplateStore *self, TemplateBudget *budget,
                                 bool is_options, void *user_data);

/* Forgets what has expired. */
void template_store_sweep(TemplateStore *self, TemplateBudget *budget, int64_t now_us,
                          void *user_data);

/* Forgets what was last announced before @before_us, as the exporter has. */
void template_store_forget_before(TemplateStore *self, TemplateBudget *budget,
                                  int64_t before_us, void *user_data);

/* Forgets all without telling. */
void template_store_clear(TemplateStore *self, TemplateBudget *budget);
