/** Tables of the twin's database. Records are stored whole as JSON; columns exist for what is searched or ordered. */
export const schema = `
create table if not exists meta (key text primary key, value text not null);
create table if not exists records (
  kind text not null, id integer not null, body text not null, primary key (kind, id)
);
create table if not exists tickets (
  id integer primary key, last_update text not null, lastactiondate text not null, dateoccurred text not null,
  dateclosed text, status_id integer not null, tickettype_id integer not null, client_id integer not null,
  user_id integer not null, supplier_id integer not null, supplier_reference text not null, summary text not null,
  deleted integer not null, body text not null
);
create index if not exists tickets_last_update on tickets (last_update, id);
create index if not exists tickets_user on tickets (user_id);
create table if not exists actions (
  ticket_id integer not null, id integer not null, datetime text not null, issystem integer not null,
  hidden integer not null, body text not null, primary key (ticket_id, id)
);
create table if not exists attachments (
  id integer primary key, ticket_id integer not null, action_id integer not null, body text not null
);
create index if not exists attachments_ticket on attachments (ticket_id, action_id);
create table if not exists mails (id integer primary key, ticket_id integer not null, body text not null);
create table if not exists webhook_events (id integer primary key, webhook_id integer not null, body text not null);
create table if not exists tokens (token text primary key, client_id text not null, scope text not null, expires integer not null);
`;
