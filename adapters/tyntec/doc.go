// Package tyntec is WhatsApp, and SMS for numbers that are not there, through
// tyntec's Conversations API v3: it posts messages and media, fetches what
// patients send, understands what tyntec posts back, and asks for the status of a
// message that nothing was posted of.
//
// It is not for deciding what to say, when, or again: it does not retry, keeps
// nothing, waits for no rate, and knows no journey. It does not serve HTTP
// either: the pipeline's receiver takes callbacks and asks a Receiver whether they
// are genuine.
//
// It promises:
//   - One call of Send is at most one message. Whether a failed call may have
//     sent one is told exactly: Error.Unknown is unset only when the request's
//     body never left, or when tyntec said that it did not take it.
//   - tyntec takes nearly every message, and says only afterwards what WhatsApp
//     makes of it. Such a failure is a Receipt with Meta's code, and with the wait
//     after which the message may be tried again where that code says so.
//   - No word of a patient and no byte of tyntec's answers is in any error, and no
//     secret in anything printed. No file name and no number is in a URL.
//   - The API key goes to the configured base URL only; no redirect is followed, nor
//     the address that a callback names for a file.
//   - A callback is believed only after what is configured was checked on the raw
//     bytes: the signature, the header with its token, or both. No update in it,
//     known or not, is an error or a panic.
//
// Templates have no names for their parameters at tyntec: they are sent in the order in
// which they first stand in the text.
//
// https://api.tyntec.com/reference/conversations/current.html
package tyntec
