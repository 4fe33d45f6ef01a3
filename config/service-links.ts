/**
 * Recognises variables that Kubernetes sets for every Service of a namespace, and Docker for its old links. For a Service called
 * `ferry` they begin with FERRY_, but they are neither settings nor typing errors.
 * Source: https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
 */
const address = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/i;

type Shape = { readonly name: RegExp; readonly value: RegExp };

/** The prefix is the Service's name, for instance FERRY or FERRY_GATEWAY. */
const shapes: readonly Shape[] = [
  { name: /_SERVICE_HOST$/, value: /^\S+$/ },
  { name: /_SERVICE_PORT(?:_[A-Z\d_]+)?$/, value: /^\d+$/ },
  { name: /_PORT$/, value: address },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)$/, value: address },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_PROTO$/, value: /^(?:tcp|udp|sctp)$/i },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_PORT$/, value: /^\d+$/ },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_ADDR$/, value: /^\S+$/ },
];

/** Says whether a variable only describes a Service. */
export function isServiceLink(name: string, value: string): boolean {
  return shapes.some((shape) => shape.name.test(name) && shape.value.test(value.trim()));
}
