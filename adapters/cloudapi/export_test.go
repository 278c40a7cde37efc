package cloudapi

import "crypto/x509"

// Trust makes the client accept the certificate of a test server.
func (c *Client) Trust(certificate *x509.Certificate) {
	c.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.transport.TLSClientConfig.RootCAs.AddCert(certificate)
}
