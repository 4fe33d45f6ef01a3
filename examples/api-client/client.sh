#!/bin/sh
# A customer's tool without a gateway, in curl: escalates a ticket, brings a file, updates, reads what came back.
# Needs FERRY (the gateway's public URL), CLIENT_ID and CLIENT_SECRET; TICKET is the tool's own ticket, a new one at each
# run unless set.
set -eu
TICKET=${TICKET:-$(date +%s)}
CURSOR=${CURSOR:-0}

token() {
  curl -sS --fail-with-body -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials "$FERRY/oauth/token" | jq -r .access_token
}
TOKEN=$(token)

call() { # METHOD PATH [JSON]
  if [ $# -eq 3 ]; then
    curl -sS --fail-with-body -X "$1" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d "$3" "$FERRY$2"
  else
    curl -sS --fail-with-body -X "$1" -H "Authorization: Bearer $TOKEN" "$FERRY$2"
  fi
}
# The result of the one action sent, as a STEP; what was not taken ends it, with the reason.
result() {
  answer=$(cat)
  case $(echo "$answer" | jq -r '.results[0].status') in
    refused) echo "$answer" | jq -r '"refused: " + (.results[0].reason.text // "no reason was given")' >&2; exit 1 ;;
    null) echo "$answer" >&2; exit 1 ;;
  esac
  echo "$answer" | jq -c --arg step "$1" '{ $step, result: .results[0].status }'
}
uuid() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen | tr 'A-Z' 'a-z'; }
now() { date -u +%Y-%m-%dT%H:%M:%S.000Z; }

# Who answers, and what we are called here.
ME=$(call GET /v1/instance | jq -r .caller)

# An action as the tool says it: SEQ AFTER ID KIND NOTE FILES
action() {
  jq -cn --argjson seq "$1" --argjson after "$2" --arg id "$3" --arg kind "$4" --arg note "$5" --argjson files "$6" \
    --arg origin "$ME" --arg at "$(now)" --arg trace "$(openssl rand -hex 16)" --arg ticket "$TICKET" '{
      $seq, $after, $trace, via: [$origin],
      constant: { $id, $origin, author: { name: "Ann Agent", role: "agent" }, $at, audience: "desks", $note, attachments: $files },
      words: { $kind, status: "With supplier", fields: {} },
      ticket: { id: $ticket, number: ("#" + $ticket), url: "", closed: false }
    }'
}

# 1. Escalate. The action's id becomes the id of the mirror; sent again it is a duplicate.
MIRROR=$(uuid)
ESCALATION=$(action 1 0 "$MIRROR" Escalate '<p>The VPN drops every hour.</p>' '[]' |
  jq -c '{ action: (. + { escalation: { summary: "VPN drops every hour" } }) }')
call POST /v1/supplier/tickets "$ESCALATION" | result escalated
call POST /v1/supplier/tickets "$ESCALATION" | result 'sent again'

# 2. A file, by its SHA-256, then an update that names it.
FILE=$(mktemp)
trap 'rm -f "$FILE"' EXIT
printf 'tunnel down 09:12\ntunnel up 09:13\n' >"$FILE"
SHA=$(openssl dgst -sha256 -r "$FILE" | cut -d' ' -f1)
DIGEST=$(openssl dgst -sha256 -binary "$FILE" | openssl base64 -A)
curl -sS --fail-with-body -X PUT -H "Authorization: Bearer $TOKEN" -H "Content-Digest: sha-256=:$DIGEST:" \
  -H 'Content-Type: text/plain' --data-binary "@$FILE" "$FERRY/v1/attachments/$SHA" | jq -c '{ step: "file", sizeBytes }'
FILES=$(jq -cn --arg sha256 "$SHA" --argjson size "$(wc -c <"$FILE")" \
  '[{ id: "log", name: "vpn.log", type: "text/plain", sizeBytes: $size, inline: false, $sha256 }]')
UPDATE=$(uuid)
call POST "/v1/supplier/tickets/$MIRROR/actions" "$(action 2 1 "$UPDATE" Update '<p>The log of this morning.</p>' "$FILES" | jq -c '{ actions: [.] }')" | result updated

# 3. Read what came back. Asking behind the last position says that everything up to it has arrived.
PAGE=$(call GET "/v1/supplier/actions?after=$CURSOR")
echo "$PAGE" | jq -c '.entries[] | { step: "read", position, action: .action.constant.note, receipt: .receipt.outcome }'
NEXT=$(echo "$PAGE" | jq .next)
call GET "/v1/supplier/actions?after=$NEXT" | jq -c '{ step: "arrived", left: (.entries | length) }'
