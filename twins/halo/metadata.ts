/** What the desk offers: statuses, categories, types, action kinds, fields, people, organisations, webhooks. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { needScope } from "./auth.ts";
import { fieldInfoView } from "./customfields.ts";
import { notFound, refused } from "./errors.ts";
import type { Input } from "./input.ts";
import { flagOf, textOf, wholeOf } from "./input.ts";
import type { Query } from "./lists.ts";
import { queryOf } from "./lists.ts";
import type { Outcome, RecordKind, Records, Site, TicketType, User, Webhook } from "./model.ts";
import type { Ctx, Env, Serving } from "./serving.ts";
import { elementsOf, idOf } from "./serving.ts";
import type { Store } from "./store.ts";

/** Adds the routes. */
export function metadataRoutes(app: Hono<Env>, { desk }: Serving): void {
  const { store } = desk;
  const anyone: readonly string[] = [];
  const customers = ["read:customers", "edit:customers"];
  const suppliers = ["read:suppliers", "edit:suppliers"];

  plain("status", "status", (one) => ({ ...one }));
  plain(
    "category",
    "category",
    (one) => ({ ...one }),
    (one, q) => same(q, "type_id", one.type_id),
  );
  plain("priority", "priority", (one) => ({ ...one }));
  plain("tickettype", "tickettype", (one) => typeView(store, one));
  plain("outcome", "outcome", (one) => outcomeView(store, one));
  plain("fieldinfo", "fieldinfo", fieldInfoView);
  plain("agent", "agent", (one) => ({ ...one }));
  plain("team", "team", (one) => ({ ...one }));
  plain("emailtemplate", "template", (one) => ({ ...one }));
  paged("client", "client", "clients", customers, (one) => ({ ...one }));
  paged("supplier", "supplier", "suppliers", suppliers, (one) => ({ ...one }));
  paged(
    "site",
    "site",
    "sites",
    customers,
    (one) => siteView(store, one),
    (one, q) => same(q, "client_id", one.client_id),
  );
  paged(
    "users",
    "user",
    "users",
    customers,
    (one) => userView(store, one),
    (one, q) => {
      const clientId = store.find("site", one.site_id)?.client_id ?? 0;
      return same(q, "client_id", clientId) && same(q, "site_id", one.site_id);
    },
  );

  app.post("/api/users", async (c) => {
    needScope(c.get("login"), "edit:customers");
    const elements = await elementsOf(c);
    const done = store.atomically(() =>
      elements.map((element) => userView(store, saveUser(store, element))),
    );
    return c.json(done.at(-1) ?? null, 201);
  });

  app.get("/api/webhook", (c) => {
    needScope(c.get("login"), "admin");
    return c.json(store.list("webhook").map(webhookView));
  });
  app.post("/api/webhook", async (c) => {
    needScope(c.get("login"), "admin");
    const elements = await elementsOf(c);
    const done = store.atomically(() =>
      elements.map((element) => webhookView(saveWebhook(store, element))),
    );
    return c.json(done.at(-1) ?? null, 201);
  });
  app.get("/api/webhook/:guid", (c) => {
    needScope(c.get("login"), "admin");
    return c.json(webhookView(needWebhook(store, c.req.param("guid"))));
  });
  app.delete("/api/webhook/:guid", (c) => {
    needScope(c.get("login"), "admin");
    const webhook = needWebhook(store, c.req.param("guid"));
    store.remove("webhook", webhook.id);
    return c.json({ id: webhook.guid });
  });
  app.get("/api/webhookevent", (c) => {
    needScope(c.get("login"), "admin");
    const guid = queryOf(c.req.url).get("webhook_id");
    const rows = store.all("select body from webhook_events order by id desc limit 1000");
    const events = rows.map((row) => JSON.parse(String(row.body)) as Input);
    return c.json(events.filter((event) => guid === undefined || event.webhook_id === guid));
  });

  /** A collection that Halo answers as a bare array. */
  function plain<K extends RecordKind>(
    path: string,
    kind: K,
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => {
      const query = queryOf(c.req.url);
      return c.json(found(kind, query, view, keep));
    });
    single(path, kind, anyone, view);
  }

  /** A collection that Halo answers with its count. */
  function paged<K extends RecordKind>(
    path: string,
    kind: K,
    name: string,
    scopes: readonly string[],
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean = () => true,
  ): void {
    app.get(`/api/${path}`, (c) => {
      needScope(c.get("login"), ...scopes);
      const query = queryOf(c.req.url);
      const all = found(kind, query, view, keep);
      return c.json({ record_count: all.length, [name]: page(all, query) });
    });
    single(path, kind, scopes, view);
  }

  function single<K extends RecordKind>(
    path: string,
    kind: K,
    scopes: readonly string[],
    view: (record: Records[K]) => Input,
  ): void {
    app.get(`/api/${path}/:id`, (c: Ctx) => {
      if (scopes.length > 0) needScope(c.get("login"), ...scopes);
      const record = store.find(kind, idOf(c));
      if (record === null) throw notFound(`${path} ${c.req.param("id")}`);
      return c.json(view(record));
    });
  }

  function found<K extends RecordKind>(
    kind: K,
    query: Query,
    view: (record: Records[K]) => Input,
    keep: (record: Records[K], query: Query) => boolean,
  ): Input[] {
    const words = (query.get("search") ?? "").toLowerCase();
    const all = store
      .list(kind)
      .filter((record) => keep(record, query))
      .map(view);
    if (words === "") return all;
    return all.filter((one) =>
      ["name", "emailaddress", "value", "outcome"].some((key) =>
        textOf(one, key)?.toLowerCase().includes(words),
      ),
    );
  }
}

function same(query: Query, name: string, value: number): boolean {
  const wanted = query.get(name);
  return wanted === undefined || Number(wanted) === value;
}

function page(all: readonly Input[], query: Query): readonly Input[] {
  const size = Number(query.get("page_size") ?? query.get("count") ?? 0);
  if (!Number.isInteger(size) || size <= 0) return all;
  const number =
    query.get("pageinate") === "true" ? Math.max(1, Number(query.get("page_no") ?? 1) || 1) : 1;
  return all.slice((number - 1) * size, number * size);
}

function typeView(store: Store, type: TicketType): Input {
  return {
    ...type,
    allowed_actions: type.allowed_actions.map((id) => {
      const name = store.find("outcome", id)?.outcome ?? "";
      return { id, key1: type.id, key1_name: type.name, key2: id, key2_name: name, name };
    }),
    allowed_status: type.allowed_status.map((id) => ({
      ticketype_id: type.id,
      tickettype_name: type.name,
      status_id: id,
      status_name: store.find("status", id)?.name ?? "",
    })),
  };
}

function outcomeView(store: Store, outcome: Outcome): Input {
  const { fields, ...rest } = outcome;
  return {
    ...rest,
    hidefromuser: outcome.hidden,
    sendemail: outcome.sendemail ? 1 : 0,
    emailtemplate_name: store.find("template", outcome.emailtemplate_id)?.name ?? "",
    fields: fields.map((name) => ({ name })),
  };
}

function siteView(store: Store, site: Site): Input {
  return { ...site, client_name: store.find("client", site.client_id)?.name ?? "" };
}

function userView(store: Store, user: User): Input {
  const site = store.find("site", user.site_id);
  const client_id = site?.client_id ?? 0;
  const client_name = store.find("client", client_id)?.name ?? "";
  return { ...user, site_name: site?.name ?? "", client_id, client_name };
}

function saveUser(store: Store, element: Input): User {
  const id = wholeOf(element, "id") ?? 0;
  const before = id > 0 ? store.find("user", id) : null;
  if (id > 0 && before === null) throw notFound(`User ${id}`);
  const site_id = wholeOf(element, "site_id") ?? before?.site_id ?? 0;
  if (store.find("site", site_id) === null) throw refused(`Site ${site_id} does not exist`);
  const name = textOf(element, "name") ?? before?.name ?? "";
  if (name === "") throw refused("A name is required");
  const user = {
    id: before?.id ?? Math.max(0, ...store.list("user").map((one) => one.id)) + 1,
    name,
    emailaddress: textOf(element, "emailaddress") ?? before?.emailaddress ?? "",
    site_id,
    inactive: flagOf(element, "inactive") ?? before?.inactive ?? false,
  };
  store.put("user", user);
  return user;
}

function saveWebhook(store: Store, element: Input): Webhook {
  const guid = textOf(element, "id") ?? "";
  const before = guid === "" ? null : needWebhook(store, guid);
  const url = textOf(element, "url") ?? before?.url ?? "";
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw refused("A URL is required");
  const events = Array.isArray(element.events) ? element.events.map(eventName) : before?.events;
  const webhook = {
    id: before?.id ?? store.nextNumber("webhook", 1),
    guid: before?.guid ?? randomUUID(),
    name: textOf(element, "name") ?? before?.name ?? url,
    url,
    active: flagOf(element, "active") ?? before?.active ?? true,
    authentication_type:
      wholeOf(element, "authentication_type") ?? before?.authentication_type ?? 0,
    basic_username: textOf(element, "basic_username") ?? before?.basic_username ?? "",
    basic_password: textOf(element, "basic_password") ?? before?.basic_password ?? "",
    events: events ?? [],
  };
  store.put("webhook", webhook);
  return webhook;
}

/** An event by name; Halo's own rows name it in `name` beside an `eventno`. */
function eventName(event: unknown): string {
  if (typeof event === "string") return event;
  const row = event as Input | null;
  return row === null || typeof row !== "object" ? "" : (textOf(row, "name") ?? "");
}

function needWebhook(store: Store, guid: string): Webhook {
  const webhook = store.list("webhook").find((one) => one.guid === guid.toLowerCase());
  if (webhook === undefined) throw notFound(`Webhook ${guid}`);
  return webhook;
}

function webhookView(webhook: Webhook): Input {
  const { guid, basic_password: _secret, events, ...rest } = webhook;
  return { ...rest, id: guid, events: events.map((name) => ({ name })) };
}
