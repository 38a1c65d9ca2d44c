"""Common given names from g to m, as `protocol.matchkeys.given_names` says."""

NAMES = """
gabija gabriel/gabriele/gabryel gabriela/gabriella gabrielle gaelle gaetan gaetano gagan
gagandeep/gagandip gaia/gaya gail/gael/gale/gayle gajan galina/galyna gamze ganesh/ganeesh gang
gao gareth/garreth garfield garrett/garett/garret garth gary/gari/garrie/garry gaspard/gaspar
gaston gaurav/gourav gauri/gouri gautam/gautham/goutam gauthier gavin/gavan/gaven/gavyn gavriel
gavril gayatri/gayathri gaynor/gayner gebre/gebray gebremariam gebremedhin gebremichael
gebreselassie geedi geeta/geetha/gita/githa gelle gemma/jemma genadi general generoso genet/ghenet
genevieve/genevive gentian gentiana geoffrey/geoffery/geoffry/godfrey/jeffry george/georg georgeta
georgette georgia/gorgia/jorja georgiana/georgianna georgina/georgena/jorgina georgios
geraint/gerant gerald/gerold/jerald geraldine/geraldene geraldo/gerardo
gerard/gerhard/gerrard/jerard gerda gerlinde germaine/germain/jermain/jermaine germana
germano/german gershon/gershom gertrude getachew gethin/gethyn gezim ghada ghazal ghazala/gazala
ghazaleh gheorghe/georghe gheorghita ghislain ghislaine ghita ghorban ghulam/golam/gulam giacomo
giada gian giancarlo giang gianluca gianna giannis/yannis/yiannis gideon/gidion giedre giedrius
gifty/gifti gilbert/gilberto gilberte gilda giles/gyles gilles gillian/gilian/gillyan/jillian
gillies gilson ginette ginevra ginger gino giorgia giovanna giovanni/giovani girish/gireesh
girma/ghirma gisela gisella giselle/gisele/gizelle/jizelle gittel gitty giulio giuseppe giusy
gizem gjergj gladys/gladis glen/glenn/glenne/glyn/glynn glenda glenys/glenis/glennis gloria/glorya
gobind/govind godelieve godwin/goodwin goitom/goytom gokhan goldie/goldy golnar golnaz gonul
gonzalo/goncalo gopal/gopaal goran gordon/gorden gottfried govand gowri gowtham graca
grace/gracey/gracie/graice/grayce gracelyn graciela/gracelia gracinda gracjan grady graeham
graham/graeme/grahame/grayham grainne/grania granit grant/grante grantley graysen grayson/greyson
graziella grazyna/grazina gregoire gregor/greger gregory/greggory/gregori/gregorio/grigore
gretchen griffin griffith/gruffudd/gruffydd grigory grzegorz/gregorz guadalupe guang
guenther/gunter/gunther guido guilherme/guillerme guilhermina guillaume guillermo guinevere gul
gulab gulalai gulay gulcan guled/guleed guler gulnaz gulsen gulshan gulsum gulten gulzar/gulzaar
gunes gunjan gunta guo guohua guoqiang gurbir gurcharan gurdeep/gurdip gurdev gurdial/gurdyal
gurjit/gurjeet gurmeet/gurmit gurmukh gurnam/gurnaam gurpal gurpreet/gurpreeth/gurpret/gurprit
gursharan/gursaran gursimran gurvinder/gurwinder gustav/gustaf gustavo guven guy/gui guylaine
gwawr gwenaelle gwendal gwendoline/gwendolen/gwendolyn gwenllian gwilym gwyn/gwynne gwynedd
gwyneth/gweneth haben/habben habib/habeeb/habibi habiba/habeeba/habibah habibullah habtamu habte
habtom hacer hadassah/hadassa hadi/haadi/hady hadia/haadiya/hadiya/hadiyah hadil/hadeel hadis
hadley/hadleigh hafeez/hafez/hafiz hafeeza/hafiza hafsa/hafsah/hafza hafso hagir hagos/haghos hai
hailu/haylu haiyan hajar/haajra/hagar/hajer/hajira/hajra hajdar hakan/hakaan hakeem/hakem/hakim
hala/haala/halah haleem/halim halil halima/haleema/halema/halimah halimo halit hallie/halle/hally
hamad hamdan hamdi/hamdy hamed/hameed/hamid/hamied hameeda/hameedah/hamida hamideh hamidreza
hamidullah hamilton hamish/hamishe hammad/hamaad hamna/hamnah
hamza/hamsa/hamse/hamzah/hamzeh/hamzza han hanad hanan/hanaan hande haneef/hanif haneefa/hanifa
hang hanh hani/hany hanin/haneen haniya/haaniya/hania/haniyah
hannah/hana/hanaa/hanah/hanna/hannagh hannelore hans hao haoran haralambos harbans harbhajan
harbir hardeep/hardip hardev hardik hareem/harim hari harini/hareeni harjinder/harjindar
harjit/harjeet harkirat/harkeerat harlan harleen/harlin harley/harlee/harlie/harly harlow/harlowe
harman harmanpreet harminder/harmindar harmony/harmonie harnam harold/harald/harrold
haroon/haaroon/haroun/harroun/harun harpal harper/harpar harpreet/harpreeth/harpret/harprit
harriet/harriett/harriette harris/haaris/haarith/haris/harith harrison/harison/harryson harsh
harsha harshad harshil harshita hartley hartmut harvey/harvie/harvy harvinder/harwinder hasana
hasanat hashim/haashim/hashem hashir hasib/haseeb hasiba/haseeba hasina/haseena/hasinah hasini
hasnain/hasnayn/husnain/husnayn hassan/hasaan/hasan/hasen/hassaan/hassen hatice/hatije hatim/hatem
havana havin hawa/hawah/hawwa hawo haya/hayaa hayat/hayaat hayden/haiden/haydn/haydon
hayder/haidar/haider/haydar/haydir/hyder hayley/hailee/hailey/haley/haylee/haylie hayriye
hazel/hazal/hazell he heath heather/hether heba/hebah/hiba/hibah hebe hector/hektor hedi hediye
heidi/heide/heidy heike/heika heinrich heinz hekmat helder/elder heledd
helen/helene/helenne/hellen/helyn helena/helana helga helin helio helmut/hellmut hema/hemah hemal
hemant/hemanth hemanthi hemlata hend/hind hendrik heng henna/heena/hina henok/henock
henrietta/henriette henrique henriqueta henry/harri/harrie/henri/henrie/henrik/henryk henryka
herbert/herbet herman/hermann herminia herminio hermione/hermionie hermon hernan hernani
hershel/herschel herve hetal hibaq hibo hiep hieu higino hijab hikmat hilario/hilarion
hilary/hillary/hillery hilda/hylda hilde hildegard/hildegarde hillel himani himanshu hinda
hira/heera/hirah hiren hirut hisham/hesham/hishaam hitesh/hiteesh hiwa/hewa ho hoa hoang
hoda/houda/huda/hudaa hodan/hoodan hodo hok holden hollis holly/holley/holli/hollie homa homaira
homayoun hong hongmei honor/honour honora/noora/norah honore hooman/houman
hooria/hooriya/huriya/huriyah hope horace horacio horatio horia horsed horst hortense howard
howell/hywel hristo hu hua huan huang hubert/huberto huberta hudson/hudsen hugh/hue hugi
hugo/hugho hugues hui huifang huijun hulya huma/humaa humaira/humaera/humayra/humera
humayun/humayoun humberto/umberto humphrey/humphry humza hung hunter huong huri
husam/hossam/husaam/hussam husna/husnaa
hussein/hosain/hosein/hossain/hossein/husain/husayin/husayn/husein/huseyin/hussain/hussayn/hussen/hussien
huxley huy hwa hye hyun iain ian ianthe iarla/jarlath iason
ibrahim/ebraheem/ebrahem/ebrahim/ibraahim/ibraheem/ibrahem/ibrahima ibukun ida/idah idan idil/idyl
idowu idris/edrees/edris/idrees iestyn/iestin ieuan/iuan ieva ifan ifeanyi/ifeanyie ifeoma/ifeomah
ifeyinwa iffat/effat ifra ifrah/ifraax iftikhar/iftekhar/iftikar iftin ifunanya iga
ignatius/ignacio/ignacy ignazio igor ihab/ehab ihsanullah ijaz/aijaz/ejaz/ijaaz ijeoma/ijeomah
ikechukwu ikenna ikhlaq/ikhlaaq ikhlas ikra/ikrah/iqra/iqraa ikran/iqran ilana/ilanah
ilaria/hilaria ilayda ilda ildefonso ilham/elham/ilhaam ilhan/ilhaan ilia/iliya/ilja/illia/ilya
ilidio ilie ilinca ilir ilirjana iliyas/eliyas/elyas/ilias/ilyaas/ilyas ilkay ilker ilona/ilone
ilse/ilsa ilwad imaculada imad/emad/imaad imelda imogen/immogen/imogene/imojen imran/emran/imraan
imrana imtiaz/emtiaz/imtiyaz ina inacio inam/enam/inaam inas inaya/enaya/inayah inder
inderjit/indarjit/inderjeet inderpal india/indiah/indya indiana indie/indy indigo indira/indeera
indrani indu ines/inesse/inez/ynes inese inga/inka inge ingeborg/ingeburg inger ingo ingrid/ingred
inocencio inthuja ioana/ionaa ioanna ioannis iola iolo ion iona/ionna ionel ionela/ionella
ionut/ionutz/yonut iosif ipek iqbal/eqbal/ikbal/iqbaal iraj irem/irim irena/irina/iryna
irene/eirene/irine irfana iris/irys irma irmina irsa irshad irving/irvin irwin isa/eesa/eisa/essa
isaac/isaak/isac/issac/izaac/izaak
isabel/isabela/isabell/ishbel/isobel/isobella/isobelle/izabel/izabela/izabella isadora/isidora
isagani isaiah/isaya/isiah/izaiah isaline isaura isayas/esayas/isaias isha/eesha/ishaa
ishaan/eshan/ishan isham ishani ishaq/eshaq/isaaq/ishaaq/ishak ishara ishita/isheeta ishrat/eshrat
ishwar isidore isidro isioma isis isla/islay islah islam/eslam/islaam islwyn ismahan/ismahaan
ismail/esmaeil/esmail/ismaail/ismaeel/ismael/ismayil ismat/esmat isolde isolina israel/isreal
israr/israar issa issam/ejam/esam/essam/isam istar istarlin itai/itay italia italo itunu itzik iva
ivan/iwan/yvan ivana/ivanna ivanka ivar ivaylo/ivailo ivo ivor/ifor/iver ivy/ivey/ivie iwona iyabo
izel izhar izza izzah jabeen/jabin jabir/jaabir/jaber jace/jayce jacek/yacek jacinta/jacinda
jacinto/jacint jackson/jakson/jaxen/jaxon/jaxson jacob/jacub/jaik/jakob/jayke jacopo
jacqueline/jackalyn/jackeline/jacquelin/jacquelyn/jacquline/jaqueline jacques/jaques
jada/jaida/jayda jade/jaide/jayde jaden/jadon/jadyn/jaiden/jaidyn/jayden/jaydon jadine
jadwiga/hedwig jae jafar/jaafar/jafer/jaffar jagdeep/jagdip jagdish/jagdeesh jagger jagjit/jagjeet
jago jagoda jagruti jagtar jahan/jehan jahangir/jahanger/jehangir jai
jaime/jaimie/jami/jayme/jaymie jakub jalal/jalaal/jelal jaleel/jalil jalpa
jamal/gamal/jamaal/jamel jamar jameel/jamiel/jamil james/jamees/jaymes/jaymz
jameson/jamieson/jamison jamila/jameela/jamilah jamshed/jamsheed/jamshid jan janaina janaki
jananee/janani jandira jane/jayne janelle/janel
janet/janett/janette/jannet/jannette/jeanette/jeannette janice/janis/janise/jannice janina/yanina
janine/janeen/jannine/jeanine janki jannah/janna jannat/jannath januario janusz/janos/yanush
jared/jarod/jarrad/jarred/jarrod jarek jaroslava/jaroslawa/yaroslava jarvis jas jasbir/jasbeer
jasdeep/jasdip jashan jaskaran/jaskiran jasleen/jaslin jasmeet/jasmit jasmina
jasmine/jasmin/jasmyn/jazmin/jazmine/jazmyn jason/jasen/jaye/jaysen/jayson jaspal/jaspaal
jasper/jaspar jaspreet/jaspret/jasprit jasveer/jasvir/jaswir jasvinder/jasvindar/jaswinder
jaswant/jasvant jatin/jateen javed/javaid/javeed/javid/jawed/jaweed/jawid
javeria/javeriya/jaweria/juwairiya/juwayriyah javier jawad/javad/jawaad/jouad jawahir jaxton
jaya/jayah jayanti/jayanthi jayesh/jayeesh jayla/jaylah jaylen/jalen/jaylan jayshree/jayshri jaz
jazz jean jeanna/jeana jeet/jit jeevan/jivan jehad/jihaad/jihad jemima/jemimah jenna/jena jennah
jennelyn jennifer/jenifer/jeniffer/jennefer/jenniffer jens/yens jensen/jenson/jensson jeong/jung
jeremiah/jeremia/jeremyah jeremias jeremy/jeremi/jeremie/jeromy jericho/jerico jerome/gerome/jerom
jeronimo/geronimo jersey jerwin jerzy/jerzi jessa jesse/jessey
jessica/gessica/jesica/jesika/jessicah/jessika jesus jethro jett/jet jewel/jewell jeyan jeyanthi
jhun ji/jee jiahao jiali jian jianguo jianhua jianjun jianming jiaqi jiayi
jibril/gibril/jebril/jibreel jie jigna jignesh jill/gill jin jinal jinan jing jinghua jingjing
jingyi jiong jiten jitendra/jitender jitesh jiya/jia joachim/joaquin joan/joane
joanna/joana/joannah/johana/johanna joanne/joann joao/joaou joaquim joaquina job
jocelyn/josceline/joscelyn/joselyn jochen jodie/joddie/jodee/jodi/jody joel/joell/jol joelle
joerg/jorg johan/johann/johannes john/jac/jak/jonn johnson jolanta/yolanta jolie jolly jomar
jonah/jona jonas/jonass jonathan/johnathan/johnathon/jonatan/jonathen/jonathon/jonnathan/jonothan
joni jonty joon jorah jordan/jordann/jorden/jordon/jordyn/jourdan jordana jordi jorge jose/josee
josefa josefina joseph/joesph/josef/josep/jozef josephine/josaphine/josefine/josy josette
joshna/jyotsna joshua/joshuah/joshuwa/josuha josiah/josia/josias josiane/josianne joss josse jost
josue jothi/joti/jyothi/jyoti joud jovana joven jovie joy joyce/joice jozefa joziah ju juan juana
juanita judah/juda judas judith/judd/judit/judyth jugraj juhi julia/giulia/julija/juliya
julian/julien/julyan juliana/giuliana/julianna juliane/julianne/julieanne juliano
julie/julee/juli/jully/july juliet/juliett/juliette/julyet julieta/giulietta julio julius/juliusz
juma/jumah/jumma jumoke jun junaid/junaed/junayd/juned june junhao juniper junjie junjun juno
junwei jurate jurgen/juergen jurgis jurgita justas justice justin/justen/justine/justyn justina
jutta juvenal ka kaafi kabir/kabeer kacper/kacpar kade/cade kadriye kafi kai/kaie/ky/kye
kaia/kaiya/kaya/kya kailash kairo kaison kajal/kaajal kajetan kalani kaleem/kalem/kalim kali
kalman kalpana kalpesh kaltum/kalsoom/kaltoum/kulsoom/kulsum/kulthum kaltun kalyani kam
kamal/kamaal/kamel/kemal kamala/kamla kamaldeep kamaljit/kamaljeet kamari
kamil/camil/kaamil/kameel/kamyl kamini kamran/kamraan/kamren kandiah kane/cain/kaine kang kani
kanishka kanwal kar karam/karaam karamjit/karamjeet karan/karanh/karun karanjit karanveer karel
karen/caren/carin/karin/karon/karren/karyn karim/kareem/karem/kerim karima/kareema/karimah
karishma/charisma/karisma karsten/carsten kartar karthik/karthick/kartik karthika/kartika
karwan/karwaan kashif/kaashif kasun katarzyna katerina kateryna
kathleen/cathleen/kathlean/kathlene/kathlin/kathlyn
katrina/caitriona/catarina/catrina/catriona/katarina/katriona kauser/kausar/kawsar/kosar/kowsar
kaushal kaushik kaveh/kave kavindi kavita/kaveeta/kavitaa/kavitha kavya/kavia kawa kawthar/kauthar
kayla/kaila/kaylah/keyla kayley/kaileigh/kailey/kaylee/kayly kayode kayson kazem/kazim kazimiera
kazimierz/casimir keanu keaton/keeton kebede kebedech keegan/keagan/kegan
keeley/keeleigh/keelie/keely keenan/keanan/kenan keerthi/keerti/kirthi/kirti kehar kehinde/kehynde
keira/keera/kiera keiran/ciaran/ciaron/keiron/kieran/kieren/kieron/kyran keith/keeth/kieth
kelechi/kelechie kellan/kelan/kellen kelly/kelley/kelli/kellie/kely
kelsey/kelcey/kelsea/kelsie/kelsy kelvin/kelvyn kendall/kendal/kendel kendra kendrick/kendrik
kenechukwu kenna kennedy/kenedy/kennedi kenneth/keneth/kennith/kennyth kensi kenton kenya
kenzie/kenzi kenzo kerem kerensa kerr kerry/ceri/keri/kerri/kerrie/kery kerstin keshav kester
kestutis ketan ketki keung keval kevin/kevan/keven/kevinn/kevyn keyvan/kayvan kezia/keziah/kezzia
khadar/khader khadija/kadija/khadeeja/khadeejah/khadeja/khadijah/khadiza khadra khadro khaira
khaled/khaalid/khalad/khalid khalida/khaleda khalifa/khaleefa khalil/khaleel khalila khanh
khansa/khansaa khatera/khatira khawar khizar/khizr khoa khosrow/khosrau khurram/khuram
khurshid/khursheed khushboo/kushboo khushi/khushee/kushi kiaan kian/cian kiana/keanna/kianna
kianoush kibrom/kbrom kidan/kidane kidist killian/cillian/kilian
kimberley/kimberlee/kimberleigh/kimberlie/kimberly kimia kin king kinga kingsley/kingsly kingston
kinza/kenza kira/kyra kiran/keeran kiranjit kiranpreet kirat kirk/kirke kiros kirpal
kirsten/kirstin/kirstyn kirsty/christie/christy/kirstey/kirsti/kirstie/kristie/kristy kirushan
kishan/kishaan/kishen/krishan/krishen kishore/kishor klaus/claus klemens knox ko koa koda/coda
kofi/cofi/koffi kojo/cojo kok kokila komal/komall kong konjit konstantina koray kornel kornelia
kourosh/korosh/kurosh krasimir krina krish krishna/krisna krishnan
kristen/christin/kristin/kristyn kristof krunal/kunaal/kunal krupa/kripa krzysztof ksawery
ksenia/ksenija/kseniya/xenia kuan kuang kubilay kubra/kobra kudzai kui kujtim kuldeep/kuldip
kuljit/kuljeet kulvinder/kulwinder kulwant/kulvant kumar/kumaar kumari kun kuo kurdo kurt/curt
kushtrim kusum/kusoom kwabena/kwabenah/kwabina kwadwo/kwadjo kwaku/kweku/quaku
kwame/kwamey/kwami/quame kwan kwesi kwok kwong kyla/kylah kyle/kile/kyal kyler/kylar
kylie/kiley/kylee kylo kyriaki kyriakos kyrie kyron kyung labinot lacey/laci/lacie/lacy
lachlan/lachlann/lochlan ladan/laadan ladna laercio laetitia lai laiba/layba lailuma laima
lainey/laney laken lakhvir/lakhbir lakhwinder/lakhvinder lakshan lakshman/laxman
lakshmi/laxmi/luxmi laleh/lale lalit/laleet lalita/lalitha lam lambros lamia/lamiya/lamya
lamis/lamees lan lana/lanah lance/lanse landon/landen lang langdon lanre laoise lara/larah
larissa/larisa/laryssa lars laszlo lata/latha latif/lateef/latief latifa/lateefa/latifah
laura/laurah/lawra/lora laure laureano laurel
lauren/lauran/laurin/laurn/lauryn/lawren/loren/lorren laurence/laurance/lawrence/lorence/lorenz
laurent laurentiu/laurentius laurie/laury/lori/lorry lavanya/lawanya lavinia lawand
layan/layaan/layyan layla/laila/lailah/laylah/leila/leyla layton/leighton leah/lea leander leandra
leandro leanna leanne/leann/leeann/leeanne/lianne leanora leart lech lee leela leen lei leib/leyb
lennon/lennan lennox/lenox leokadia leon leona/leonna leonard/lenard/leonardo/leyo leonel
leonid/leonyd leonidas leonie/leony leonila leonor/leonore leonora/lenora leontine
leopold/leopoldo leroy/leeroy leslie/lesley/lesly/lezley lester lesya/lesia leszek/lesek letebrhan
leticia/letisha/letitia letty levent levi/levii/levy lewis/lewys leyton li lia liadan/leadan
liana/lianna liang liaqat/liaquat/liaqut liban/libaan liborio lida lidia/lidya/lydia/lydya lidija
lien liesel/lisel ligia/lygia lihua lijuan lilac lili lilia/liliia/lilija/liliya
lilian/liliane/lillian/lillyan/lilyan liliana/lilianna/lilliana lilith/lillith lily/lillie/lilly
lim liming lina/leena/linah lincoln/lyncoln linda/linnda/lynda/lynnda lindita
lindsey/lindsay/lindsy/linsay/linsey/linzi/lyndsay/lyndsey/lynsay/lynsey linford ling lingling
linh linn linnea linus/linas lion lionel/lyonel lior liora/leora liping liridon liridona
lisa/leesa/leeza/lisah lisbet liu liuba/luba/lyuba livia/livya liwayway liwei lizette ljubica
llewellyn/llewelyn/llywelyn llinos lloyd/loyd llyr loan loc logan/logann/logen loic lois/loiss lok
lokesh lola/lolah london/londyn long lorcan loredana lorelai lorelei lorena/lorenna lorenza
lorenzo/laurenzo loretta/lorretta loris lorna/lornah lorraine/lorain/loraine/lorayne/lorrain
lothar louie/louey/louy/lui louis/luis/luiz louisa/luisa/luiza louise/luise lourdes lourenco
lowri/lowry luam/luwam luan luana/luanna lubaba lubna/lobna/loubna lubomir/lyubomir
luca/louka/lucca/luka lucas/loukas/lucass/lukas/lukasz lucette lucia/luciah/lucja
lucian/luciano/lucien/lucjan luciana/lucianna lucienne lucille/lucile lucinda/lusinda lucio/lucho
lucius lucky lucretia lucy/lucey/luci/lucie lucyna/lusine
ludmila/liudmila/liudmyla/ljudmila/lyudmila/lyudmyla ludovic ludovica ludovico ludwig/ludvig
luella/louella luigi lujain/lujayn luke/luc/luk lula luljeta lulzim luminita lun luna/louna luong
luqman/loqman/lukman/luqmaan luther lutz luul lux luz luzia luzviminda lyanna lydie
lyla/lila/lilah/lylah lyle/lisle lyndon/lindon lynette/linette/lynnette lynn/lin/lyn/lynne
lynton/linton lyra/lira lys lysander lyubov/liubov/lubov/lyubow mabel/mabelle/mable/maybel mabli
macarena maciej/macej mackenzie/mackenzy/makenzi/makenzie/mckenzie
macy/macey/macie/maisey/maisie/maisy/maizie/mazie madan maddison/maddyson/madisen/madison/madyson
maddox/madox madeleine/madalyn/maddeline/madelaine/madelene/madeline/madelyn/magdalen madhav
madhavi madhu madhuri/madhoori madhusha madiha/madeeha madina/madinah/medina mae/may/maye
maegan/meagan/meaghan/megan/megann/meghan/meghann maelle maeve/mave/medb mafalda magali
magdalena/madalena/magdalina/magdelena magdalene magnolia magnus/magnuss maha/mahaa mahad
maham/mahum mahbooba mahbub/mahbob/mahboob/mehboob mahdi/mahdy/medhi/mehdi mahek/mahak mahela
mahendra/mahender/mahinder/mohindar/mohinder mahesh/maheesh mahfuz/mahfooz/mahfouz mahin
mahir/maahir/maher mahira/maheera/mahirah mahlet
mahmoud/mahamoud/mahamud/mahmood/mahmud/mahmut/mehmood mahnoor/mahanoor/mahnur/mehnoor mahsa
mahtab/mehtab maike/meike maimuna/maimoona/maymuna mair/mayr mairead/maread mairi/mhairi
majed/maajid/majeed/majid majida/majeda majlinda makbul/makbool/maqbool/maqbul makda/mekda
malachi/malachy/malakai/malakhi/malaki malak/malaak malar malcolm/malcolme/malcom
malek/maalik/malick/malik
malgorzata/malgorzhata/malgozata/margarida/margarita/margaritta/margherita/margorzata mali
malika/maleeka/malikah malin malini malka/malkah malkit/malkeet malky mallory/malory malti/malathi
malvina mamta/mamata man mana manahil/manaahil manal/manaal manav mandana mandeep/mandip
manfred/manfried mangal maninder/manindar manish/maneesh manisha/maneesha manjeet/manjit manjinder
manju/manjoo manjula manmeet manmohan manoel manoj/manooj manon manpreet/manpret/manprit
mansi/mansee mansoor/mansor/mansour/mansur mansoora/mansura manuel/manwel manuela/manuella
manvir/manveer maqsood/maksood/maksud/maqsud maqsuda/maksuda mara/marah maral marceau
marcel/marcell/marsel marceline marcella/marcela marcelle marcello/marcelo marcin/martsin marcio
marco/marko marcos/markos marcus/markus/marqus marcyn mared marek/marec
margaret/gretta/margareth/margaretha/margarette/margret margaryta
margery/margerie/marjorie/marjory margo/margaux/margot marguerite/margarite
maria/mariah/mariia/marija/mariya/marya mariama marian/marion mariana/marianna/maryanna mariangela
marianne/mariane/maryann/maryanne mariano maribel/maribelle maricel marie/maree/mari
mariel/marielle mariela/mariella marietta mariette marigold marijana marika/marica marilena
marilia marilou marilyn/marilin/marilynn/marolyn/marylin/marylyn/merilyn marina/marena/maryna
marine marino mario mariola marios marisa/marissa/maryssa marisol marites marius/mariusz marivic
mariza mark/marc marla marlena marlene/marlaine/marleen marley/marlee/marlie/marly marlies
marlo/marlow/marlowe marlon/marlin marnie/marney/marni marsela marsha/marsia marshall/marshal
marta/martah/martha martim martin/marten/martinn/martyn martina/martyna martine martinho marvel
marwa/maroua/marwah marwan/marouan/maruan/merwan mary/maryy
maryam/mariam/mariem/marium/mariyam/maryem/maryum/meryem/miriam/myriam maryan/maryaan maryjane
marzena/marzenna masie masiha mason/maison/mayson masood/masoud/masud/mesut masoumeh massimo
masuda/masooda masuma/masooma/masouma matan matas matej/matei/mathej mateus/matheus mathilde
mathis mathusha matija matilda/mathilda/matylda matilde matteo/mateo/matheo
matthew/mateusz/mathew/mathews/mathieu/mattheu/matthieu matthias/mathias/matias/matthais mattis
maud/maude maura/mora maureen/maurene/moreen/morine maurice/maurise/moris/moritz/morris
mauricio/mauritius/maurizio mauro maverick/mavrick mavis/mavys mawlid maxence
maxim/maksim/maksym/maxime/maxym maximilian/maksymilian/maximillian maximiliano/massimiliano
maximo maximus maxine/maxene maxwell/maks/maxwel maya/maia/maiya/maja/mayah/mya/myah mayada
mayer/mayir/meir/meyer maysa/maisa/mayssa maysoon/maisoon/maysun mayuran mayuri mazen/maazin/mazin
maznah mckayla/makayla/michaela/michayla/mikaela/mikayla mckenna mckinley/mckinlay meaza/maaza
mebrahtu/mebratu/mebrhatu mebrat medhanie/medhane medhin/medhen meenakshi/minakshi meera/mira
meesha megha meghna mehari/mehary mehmet/mehmed mehnaz/mahnaz mehran/mahran mehrdad/mehrdaad
mehreen/mahreen/mehrin mehret/mihret mehri mehul mehwish/mahwish meihua meiling meinir meirion
mekonnen/mekonen melaku melania/melaniya melanie/melani/melany/mellanie melat melchor melek meles
melia melih meliha melike melinda/malinda melis/meliss melissa/malissa/melisa/mellissa
melody/melodey/melodie meltem melvin/melvyn menachem/menahem menaka menashe mendel mendy meng
menna mercedes/mercedez mercy/mercie meredith/meredyth mergim merhawi/merhawie merida merle/merl
merlin/merlyn meron/meronn mert merve mervyn/mervin meryl/merrill meseret/mesret mesfin/mesfen
metin meurig/meyrick mevlut mi mia/miah/miya miao mica/micah/mika/myca micaela
michael/micheal/mickael/mikael/mykal michal michalis/mihalis michel michelangelo micheline
michelle/michele/michell/mishelle/mitchelle/shelli/shellie/shelly mickenzie miguel miguela mihaela
mihai mihaly mihreteab mikail/mikaail/mikaeel/mikhael mikhail/michail/mykhailo mikias/mikiyas
mikolaj mila/meela/milah milad/meelad milan/mylan milana milena milenka miles/myles milica/militsa
milind millicent/milicent million milo/mylo milos miloslav milosz milton/mylton mimi mimoza min
mina/meena/minna minahil minal/meenal mindaugas mine minesh ming minghua mingming minh minjun
minoo mirabel/mirabelle miranda/myranda miray mircea/mirchea mireia mireille mirel mirela/mirella
miri mirjeta miroslav/myroslav/myroslaw miroslava/miroslawa/myroslava miruna mirwais/mirways mirza
misbah/mesbah miski mital/mittal mitchell/mitchal/mitchel mitesh/meetesh mithun mitra/meetra
mizgin mladen mobina/mubeena/mubina modupe mohammadreza
mohammed/mahammad/mahomed/mohamad/mohamed/mohamedd/mohammad/mohd/mohemmed/mohummed/mouhamed/muhamad/muhamed/muhammad/muhammadd/muhammed/muhammet
mohamud mohan/mohaan mohana mohanraj mohini mohit/mohith mohsin/mohsan/mohsen/muhsen/muhsin
mohsina moin/moeen/moyen/mueen/muin moira/moyra moirah moises/moyses mojgan/mozhgan moji mojisola
mojtaba/mujtaba momin/momen/mumin momina/moomina/mumina mona/monah monica/monicka/monika/monnica
monique/moniqe monisola monroe/munroe montague montserrat moosa/mousa/moussa/musa/muse/mussa morag
mordecai mordechai morgan/morganne/morgen/morghan morgana moriah morna morton morwenna
moses/moshe/mozes motty mridul mu mubarak/mobarak/mubarek mubashir/mubasher mucahit
mudasar/mudasir/mudassar/mudassir muge muhibur/muhibbur muireann/murren mujahid/mujaahid
mujibur/mojibur mukadder mukesh/mukeesh mukhtar/mokhtar/muktar mukta mukund mulki mulu mulugeta
muna/mouna/munah munaza muneeb/munib muneeba/muniba munir/monir/mounir/muneer
munira/monira/mounira/muneera muno muntaha murad/mourad/murat murali murdo muriel/meriel/murielle
murphy murray/murrey/murry mursal murtaza/mortaza/morteza/murtada/murtadha musab/musaab
musarat/musarrat/mussarat musfira mushtaq/mushtak/mustaq
mustafa/mostafa/moustafa/mustafah/mustafe/mustapha mutaz muthu muumin muzaffar/mozaffar/muzafar
muzamil/muzammil my myfanwy/myvanwy mykyta myla/mylah mylene/milene myra myrna myron myrtle/mirtle
myrto
"""
