package cloudapi

import (
	"crypto/x509"
	"net/url"
)

// Trust makes the client accept the certificate of a test server.
func (c *Client) Trust(certificate *x509.Certificate) {
	c.http.Transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.http.Transport.TLSClientConfig.RootCAs.AddCert(certificate)
}

// Trusts reports whether the access token may go to an address.
func Trusts(c *Client, address string) bool {
	u, err := url.Parse(address)
	return err == nil && c.trusts(u)
}
