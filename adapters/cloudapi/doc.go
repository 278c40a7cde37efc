// Package cloudapi is WhatsApp through Meta's Cloud API: it posts messages and
// media, fetches what patients send, understands what Meta posts back, and lists, compares, creates and edits
// the account's templates. It deletes none.
//
// It is not for deciding what to say, when, or again: it does not retry, keeps
// nothing, waits for no rate, and knows no journey. It does not serve HTTP
// either: the pipeline's receiver takes webhook requests and asks a Receiver
// whether they are genuine.
//
// It promises:
//   - One call of Send is at most one message. Whether a failed call may have
//     sent one is told exactly: Error.Unknown is unset only when the request's
//     body never left, or when Meta said that it did not take it.
//   - Failures are classified by Meta's code (errors.go holds the one table),
//     not by HTTP status or text.
//   - No word of a patient and no byte of Meta's answers is in any error, and no
//     secret in anything printed. Of an answer only codes and Meta's opaque trace id are kept.
//   - The access token goes to the configured base URL only, and, where that is Meta's own, to the host of
//     the files that people send; no redirect is followed.
//   - A webhook body is believed only after its signature was checked on the raw
//     bytes. No update in it, known or not, is an error or a panic.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/
package cloudapi
