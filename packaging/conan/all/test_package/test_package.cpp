#include <kurier/testing/cluster_model.hpp>
#include <kurier/version.hpp>

#include <iostream>

int main()
{
    kurier::testing::cluster_model cluster;
    cluster.create_topic("greetings", 3);
    std::cout << "kurier " KURIER_VERSION_STRING << '\n';
}
