import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.IDaoRegistry;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HibernatePropertiesProvider;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.config.util.ResourceCountCacheUtil;
import ca.uhn.fhir.jpa.dao.FulltextSearchSvcImpl;
import ca.uhn.fhir.jpa.dao.IFulltextSearchSvc;
import ca.uhn.fhir.jpa.dao.search.HSearchSortHelperImpl;
import ca.uhn.fhir.jpa.dao.search.IHSearchSortHelper;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.DaoRegistryResourceSupportedSvc;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.search.IStaleSearchDeletingSvc;
import ca.uhn.fhir.jpa.search.StaleSearchDeletingSvcImpl;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.util.ResourceCountCache;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.IResourceSupportedSvc;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.net.InetSocketAddress;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.hibernate.dialect.Dialect;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.transaction.annotation.EnableTransactionManagement;

/**
 * HAPI's JPA server for R4 on loopback, with its data in memory (H2): what a hospital that runs HAPI has,
 * less what the bridge never asks for. Its settings are HAPI's own defaults.
 *
 * <p>java FhirServer PORT
 */
public class FhirServer {
	public static void main(String[] args) throws Exception {
		int port = Integer.parseInt(args[0]);
		AnnotationConfigApplicationContext beans = new AnnotationConfigApplicationContext(Beans.class);
		RestfulServer fhir = new RestfulServer(beans.getBean(FhirContext.class));
		fhir.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
		fhir.registerProvider(beans.getBean(IJpaSystemProvider.class));
		fhir.setServerConformanceProvider(new JpaCapabilityStatementProvider(
				fhir,
				beans.getBean(IFhirSystemDao.class),
				beans.getBean(JpaStorageSettings.class),
				beans.getBean(ISearchParamRegistry.class),
				beans.getBean(IValidationSupport.class)));
		fhir.setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
		fhir.setDefaultResponseEncoding(EncodingEnum.JSON);

		ServletContextHandler root = new ServletContextHandler("/");
		root.addServlet(new ServletHolder(fhir), "/fhir/*");
		Server server = new Server(new InetSocketAddress("127.0.0.1", port));
		server.setHandler(root);
		server.start();
		System.out.println("FHIR server started");
		server.join();
	}

	@Configuration
	@EnableTransactionManagement
	@Import({JpaR4Config.class, JpaBatch2Config.class, Batch2JobsConfig.class, SubscriptionChannelConfig.class, ThreadPoolFactoryConfig.class})
	static class Beans {
		@Bean
		DataSource dataSource() {
			BasicDataSource pool = new BasicDataSource();
			pool.setUrl("jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");
			pool.setUsername("sa");
			pool.setMaxTotal(30);
			return pool;
		}

		@Bean
		@Primary
		LocalContainerEntityManagerFactoryBean entityManagerFactory(
				DataSource data, ConfigurableListableBeanFactory factory, FhirContext context, JpaStorageSettings settings) {
			LocalContainerEntityManagerFactoryBean entities =
					HapiEntityManagerFactoryUtil.newEntityManagerFactory(factory, context, settings);
			Properties properties = new Properties();
			properties.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
			properties.put("hibernate.hbm2ddl.auto", "update");
			properties.put("hibernate.jdbc.batch_size", "20");
			properties.put("hibernate.search.enabled", "false");
			entities.setPersistenceUnitName("fhir");
			entities.setJpaProperties(properties);
			entities.setDataSource(data);
			return entities;
		}

		@Bean
		@Primary
		JpaTransactionManager transactionManager(EntityManagerFactory entities) {
			return new JpaTransactionManager(entities);
		}

		@Bean
		@Primary
		HibernatePropertiesProvider hibernateProperties() {
			return new HibernatePropertiesProvider() {
				@Override
				public Dialect getDialect() {
					return new HapiFhirH2Dialect();
				}
			};
		}

		@Bean
		JpaStorageSettings storageSettings() {
			return new JpaStorageSettings();
		}

		@Bean
		PartitionSettings partitionSettings() {
			return new PartitionSettings();
		}

		@Bean
		SubscriptionSettings subscriptionSettings() {
			return new SubscriptionSettings();
		}

		@Bean
		IBinaryStorageSvc binaryStorage() {
			return new DatabaseBinaryContentStorageSvcImpl();
		}

		@Bean
		IFulltextSearchSvc fullText() {
			return new FulltextSearchSvcImpl();
		}

		@Bean
		IHSearchSortHelper sorting(ISearchParamRegistry parameters) {
			return new HSearchSortHelperImpl(parameters);
		}

		@Bean
		IStaleSearchDeletingSvc staleSearches() {
			return new StaleSearchDeletingSvcImpl();
		}

		@Bean
		IResourceSupportedSvc supported(IDaoRegistry resources) {
			return new DaoRegistryResourceSupportedSvc(resources);
		}

		@Bean("myResourceCountsCache") // the name by which the CapabilityStatement asks for it
		ResourceCountCache counts(IFhirSystemDao<?, ?> system) {
			return ResourceCountCacheUtil.newResourceCountCache(system);
		}

		@Bean
		DatabaseBackedPagingProvider paging() {
			return new DatabaseBackedPagingProvider();
		}
	}
}
