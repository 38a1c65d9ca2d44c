"""Common given names from a to f, as `protocol.matchkeys.given_names` says."""

NAMES = """
aanya/anja/anya aaradhya aarav/arav aaron/aaran/aron/arron aarti/arti aarush/arush abayomi
abbas/abas abbey/abbigail abd abdalla abdi abdiel abdirisaq abdul/abdal/abdel/abdool
abdulahi/abdullahi abdulaziz abdulfattah abdulhakim abdullah/abdallah/abdellah/abdulah/abdulla
abdulnasir abdulqadir abdulrahman abdulrashid abdulwahab abeba/abebah abebe/abebbe abel/abell
abena/abenaa/abina abid/abed abida/abeda abigail/abagail/abigale/abigayle abimbola abiodun abiola
abir/abeer abirami abishek/abhishek abisola abosede abraha/abreha abraham/abrahim abrar/abraar
abrehet abshir abu/aboo ada/adah adam/adan/adem adao adebayo adebisi adebola adedayo adeeb/adib
adeeba/adiba adeel/aadil/adel/adil adeela/adila adekunle adela adelaide adelaja adele/adelle
adeleke adelheid adelie adelina adeline/adaline adelino ademola adenike adeniyi adeola/adeolah
aderonke adesola adetokunbo adetola adewale adeyemi adham adina aditi/adithi aditya/adithya
adnan/adnaan adonis adrian/adrien adriana/adrianna adriano adrienne/adriene adunni adya/aadya afaf
afnan/afnaan afolabi afonso/alfonso/alonso/alphonso afra afreen/afrin afsana/afsaana
afshan/afshaan afsheen/afshin afsoon aftab/aaftab afzal/afsal agata/agatha/agathe aggelos/angelos
aghdas agim agnes/agness agnieszka/agneshka/agneszka agostinho agron agyei ahana/ahaana aharon
ahlam/ahlaam ahmadreza ahmadu ahmadzai ahmed/achmed/ahamad/ahamed/ahmad/ahmat/ahmet/ehmed
ahsan/ahsaan/ehsan/ihsan ai aida/aidah/ayda aidan/aden/aiden/aydan/ayden aiko
aileen/ailene/eileen/ilene ailsa/aillsa aimal aiman/aimen/ayman/aymen aime aimee/aimie/aimy/amie
aimin ain aina ainsley/ainslee
aisha/aaisha/aayesha/aesha/aishah/ayeesha/ayesha/ayisha/aysha/ayshah/eisha
aisling/aislin/aislinn/ashling aisvarya/aishwarya/ayshwarya ajay/ajai ajibola ajit/ajeet ajith
ajmal/ajmel akash/aakaash/aakash akbar/akber akeel/akil/aqeel/aqil akeela/aqeela/aqila akhil
akhtar/akhter/aktar/akter/akther akila akin akinola akiva/akiba akosua/akosuah akpan akram/akrem
akshara akshay/akshai akua/akuah akwasi/kwasi ala/alaa alaina/alayna alan/alain/allan/allen/alun
alana/alanah/alanna/alannah alban albana albane albert/alberto alberta albertine albina aldo
aleem/alim aleema/alima aleena/alena/alina alejandra alejandro aleksandar
aleksandra/alexandra/alexandria/oleksandra alem/aleme alemayehu alemu/alemoo alessandra alessandro
alessia/alesia alessio alexa
alexander/aleck/aleksander/aleksandr/alessander/alexandr/alexandre/alexandros/alexandru/oleksander/oleksandr/olexandr
alexandrine alexei/aleksei/aleksej/aleksy/alexey/alexi alexia alexios alexis alfonsina
alfred/alfredo alfreda algernon ali/aliy/aly alia/aaliyah/aleah/aleeya/alieh/aliya/aliyah/alya
alice/alise/alyce alicia alicja aline/alyne alireza alisha/alesha/alysha
alison/alisson/allison/allyson/alyson alistair/alasdair/alastair/alastar/alisdair/alister
aliza/alizeh alka alketa alma almaz/almas almeida alok/aalok aloys alper alphonse/alfonse altan
altin/altyn alvaro/alvero alvin/alwyn alwin alyssa/alissa/elissa/elyssa ama amaan/amaen/aman
amadeu amadi amadou/amadu amaia amaka amal/amaal amalia/amaliya amana amanda amandeep/amandip
amandine amani/amany amanpreet/amanprit amanuel amara/amarah amarachi amardeep/amardip amare amari
amarjit/amaar/amarjeet/ammar amarpreet/amarprit amaury amaya amber/ambar ambrosio amedee
ameen/ameene/amin/amine ameena/aamina/amena/amina/aminah/aminata amelia/ameliah amelie/emelie
americo amilcar aminu amir/aamir/ameer/amer/emir/emyr amira/ameera/ameerah/amirah amirali
amirhossein amisha/ameesha amit/ameet/amith amita/ameeta amjad/amjed amna/aamna/amnah amol amos
amr/amro/amru amran/amraan amrik/amreek amrit/amreet amrita/amreeta/amritha amritpal amy/aimi/ami
anab anabela anahita anais/annais analyn anam/anaam anan anand/aanand ananda ananya/ananyaa
anas/anass/enas anastasia/anastacia/anastasiia/anastasiya/anastazja anastasios anastasis anatole
anaya/anaiya anca andre andrea/andreia/andria andreas andree andreea
andrei/andreii/andrej/andrey/andrii/andrij/andriy andres andrew/andru/dru androulla aneela/anila
anees/anis/anise aneesa/anisa/anisah/anissa aneesah anestis aneta/annetta aneurin ang
angbeen/anbreen angela angele angelica/angelika/anjelica angelina/anjelina angeline angelito
angelo angharad/angarad anghel angus anh anibal aniela anika/aneeka/anica anil/aneel anish/aneesh
anisha/aneesha anita/anitta anjali/anjalie/anjaly anju/anjoo anjum/anjam ankit/ankeet ankita ankur
anna/ana/annah annabel/anabel/anabelle/annabelle annabella/anabella anne/ann/nancie
anneliese/annaliese/annalise/annelise annette/anette annika anoop/anup anouk ansar/ansaar
anselm/anselme anshul anthea/antheya anthony/anthoni/antoni/antonie/antony antoine
antoinette/antonette antonella antonia/antonina antonio/antonino antonis/antonios anuj anuja anum
anupam anuradha anurag anusha/anoosha anushka/anooshka/anoushka anwar/anver/anwer anwen aoibhe
aoibheann aoife/eefa/ifa aparecida aparna apolline apolonia apostolos april/avril aqib/aakib/akib
aqsa/aksa arabel arabella/arabela araceli/aracely arafat/arafaat araminta arash/aarash aravinthan
arben arber arbnora archana/archna archibald arda ardian ardit ardo areeb/arib areeba/ariba
arezoo/arezu arezou arfan/erfan/irfaan/irfan argyro arham ari/arie/aryeh aria/ariah/arya ariadne
ariana/arianna arianne/ariane ariel/arial/arielle arif/aarif/areef arifa/aarifa aris aristos
arjan/arjen/arjun arjuna arkadiusz arlene/arleen arlo/arlow arlyn arman/armaan/arrman
armando/armand armani armelle armend arnaud arnel arnold/arnaldo arooj/aruj aroosa/arusa
arsalan/arslan arsene arshad/arshed/ershad arta artan artem/artyom artemis
arthur/arthor/artur/arturo artiom arulini arun/aroon aruna/aroona arvind/aravind/arwind
arwa/arwah/erwa arwel arwen aryan/aaryan/arian/ariyan asa asad/asaad/assad/esad asadullah asante
asefa/assefa asghar/asgar ash asha/aasha/ashah ashantee asher ashish/aashish/asheesh ashkan
ashley/ashlea/ashlee/ashlie/ashly ashlyn/ashlin/ashlynn ashok/ashoke ashton/ashten ashwin/aswin
ashwini asia asif/aasif/asef asim/aasim/assim asiya/aasia/aasiya/asiyah/asya aslam/aslem
asli/asliah asma/asmaa/asmah/esma asmara/asmarah asra/isra/israa asta aster/astair astrid/astred
asuncion ata/atta atal atefeh ates athanasia athanasios athena/athina atif/aatif/atef atifa
atika/ateeqa/atiqa atiq/ateeq/atik atlas attiya/atiya atul/atool aubrey/aubree/aubry aude
audrey/audree/audrie august/auguste augusta augustine/augustin augusto/agusto augustus augustyn
aurel aurele aurelia/aureliya aurelian aurelie/aurely aurelio aurora aurore austin/austen/austyn
autumn ava/avah avalon avani/avnee avery/averie avi avigail avinash aviva avraham/avrohom
avtar/avtaar awais/ovais/owais/uwais awale awaz awet axel/aksel/axelle axl aya ayaan/ayan/ayyan
ayah ayat aydin/aydyn ayele ayla/aila/aylah aylin/ayleen aymeric aynur ayobami ayodeji ayodele
ayomide ayotunde ayrton ayse/aise aysu ayten ayub/ayoob/ayoub/ayyub ayush/aayush azad/azaad azadeh
azam/aazam/azzam azar azaria azariah azeb azeem/azeam/azim azeema/azima azhar/azher azita
aziz/azees/azeez aziza/azeeza azize azra azuka baba babajide babak babatunde bach badar badr/bader
bae baha bahar bahareh bahman bahram/bahraam bajram bakar bakr bal balan balbir/balbeer baldev
baljit/baljeet/baljeeth balraj baltasar balvinder/balwinder balvir balwant/balvant bamidele
bandele bankole bao baojun baptiste/batiste baraa barakat baran barbara/barbra barclay barham
baris barkhad barnabas barnaby/barnabie barni barry/bari/barrie bartley bartlomiej bartolomeu
bartosz/bartos baruch/boruch barwaqo basem/basim/bassem bashar basharat/bashrat bashe
bashir/bachir/basheer bashira/basheera basil/bazil basira/baseera basit/baset basma/basmah
bassam/basam bastian batool/batul batsheva/basheva batuhan batya bavani/bhavani bayan bayani
bayram/bairam bear beata/bata beatrice/beatris/beatrix/beatriz beau/bo beena/bina behnam
behrouz/behruz behzad/behzaad bei bekele/bekelle belinda bellamy benedetta
benedict/benedikt/benedykt benedicta benita benito benjamin/benjaman/benjamen/benyamin/binyamin
bennett/bennet benoit bento bereket/bereketh/berekhet beren/berin berfin berhan/birhan
berhane/birhane berk berkay berna bernadette/bernadet bernard/bernardo/bernhard bernice/berniece
berta bertha berthe bertille bertram bertrand/bertran beryl besa besart besnik bestoon
betelhem/bethlehem bethan bethany/bethaney/bethani/bethanie bethel betul beverlee
beverley/beverlie/beverly beyza beyzanur bharat/barat bharti/bharati bhavesh/bavesh bhavin bhavini
bhavna/bavna/bhavana bhupinder/bhupendra bianca/biancha/bianka bibi/beebi bijan/bizhan
bilal/belal/bellal/bilaal/billal bile bilen bilqis/bilkis/bilquis bimal bin/byn bing binh
binita/bineeta binyam/biniam binyomin bipin birtukan bishaar bismah/bisma bjorn/bjoern
blaine/blayne blair blake/blayke blanca/blanka blanche blazej/blaise bleddyn blerim blerta
blessing/blesing/blessin blossom bluebell boaz/boas bodhi/bodie bogdan bogna bogumil bogumila
boguslav bola bolaji bolanle boleslav bonifacio bonnie/bonni/bonny boris borys bose bozena bozidar
bracha/brocha bradley/bradlee/bradly brady/bradie brandon/brandan/branden/brandyn/brendan/brendon
branwen braulio braxton/braxten brenda brennan/brenan breno brent brett/bret
brian/brien/bryan/bryon brianna/breana/breanna/briana brianne
bridget/bridgett/bridgit/brigid/brigit brielle brigitte/brigette brittany/britany/britney/brittney
brodie/brodey/brodi/brody brogan bronagh/brona bronislaw bronislawa bronson bronte bronwyn/bronwen
brooke/brook brooklyn/brooklynn bruce bruk bruna bruno bryce bryn bryony/briony/bryonie bujar
bukola bulent bunmi burak/buraq burcu burim burt bushra/bushrah busra byron/biron
caden/caiden/cayden/kaden/kadin/kaiden/kayden cadi caetano cairo
caitlin/caitlyn/caitlynn/catelyn/kaitlin/kaitlyn/kaitlynn/katelin/katelyn caleb/calib/kaleb
calista/callista callan callie/calli/kallie calliope callum/calum/kallum/kalum calvin/kalvin
camden cameron/camren/camron/kameron/kamron camila/camilla/kamila/kamilla camille camilo/camillo
can canan candan candice/candace/candis/kandice candida candido cansu caoimhe cara/kara caradog
carina/careena/kareena/karina carissa/karissa carl/karl carla/karla carlo/karlo carlos/karlos
carlotta/carlota carlton/carleton carly/carleigh/carley/carlie/karley/karlie/karly carmel/karmel
carmela/carmella carmelita carmelo/carmello carmen/carman/karmen
carol/carole/carrol/carroll/caryl/karol/karole carolina/karolina caroline/carolin/karolin/karoline
carolyn/carolyne/carolynn/carolynne/karolyn caron carson/karson carter/karter carwyn/karwyn
carys/caris/carrys casey/casie/kacey/kasey/kasie casper/caspar/caspian/kasper
cassandra/casandra/kassandra cassian cassidy/cassidie/kassidy cassius catalina/katalina
cathal/cahal
catherine/catharine/catheryn/cathrine/cathryn/katharine/katherine/katheryn/kathrine/kathryn/kaye
catia catrin/katrin cawo cecil cecilia/cecelia/cecillia cecilie cecily/cecilly/cicely
cedric/cedrick/sedrick ceinwen celeste/celest celestine celestino celia/selia celie
celine/celene/seline celso cem cemal/jemal cemil cemile cengiz/jengiz ceren ceridwen/ceriduen
ceyda cezary/caesar/cesar/cesare/cezar chad/chadd chaim/chayim/haim chan chana/chanah chanan
chandan chandler chandra chandrika chanel/chanelle/channelle/shanel/shanelle chang changming
chantal/chantel/chantell/chantelle/shantel/shantelle chao chara charalambos charan
charanjit/charanjeet charis/karis charity charlene/charleen/sharlene charles/charls
charlotte/charlot/charlott/sharlotte chase/chace chava/chavah chavi chaviva chaya/chhaya
chelsea/chelsey/chelsi/chelsie/chelsy chen cheng cher cherie/cherri/sheri/sherri/sherry cherry
cherrylyn cheryl/cherryl/cheryll/sherill/sheryl chester chetan chetna cheung chi chiamaka chiara
chibuike chibuzo/chibuzor chidi/chidie chidiebere chidinma chidubem chiedu chien chigozie chih
chijioke chika chike chikodi chima chimamanda chiman chin chinasa chinedu/chineduh chinelo
chinenye ching chinonso/chinoso chinwe chinyere chioma/chiomah chirag chiu chizoba chizoma
chloe/chloey/cloe/khloe/kloe cho choi chong choon chow christa/krista christel/krystel christelle
christian/cristian/kristian/krystian/krystjan christiana/kristiana
christina/cristina/khristina/kristina/krystina/krystyna
christine/christeen/christene/kristine/teena/tinah christodoulos christoforos
christopher/christofer/christoffer/christoph/christophe/cristopher/kristofer/kristoffer/kristopher/kryzsztof/krzystof
christos/cristos chrystalla chu chuan chuka chukwu/chukwoo/cukwu chukwudi chukwuemeka chukwuma
chun chung ciara/kiara cicero cigdem cihan/jihan ciprian/cyprian claire/clair/clare
clara/clarah/klara clarence claribel clarice/clarisse clarissa/clarisa/klarissa clark/clarke/klark
claude claudemir claudette claudia/klaudia claudine claudio claudiu clayton/claytan
clemence/clementia clemens clement clemente clementine/klementine cleo/clio clifford/cliford
clifton clint clinton clive/clyve clodagh/cloda clotilde clover clyde coby/cobi/kobe/kobi/koby
coco cody/codi/codie/kody cohen/koen colby/kolby cole/kole coleman colette/colett/collette
colin/collin/colyn/kolin colleen/coleen/collene colm/colum comfort conall/connell conan conceicao
concepcion conchobar cong conleth connor/conner/conor/konner/konnor/konor conrad/konrad
constance/konstance constant constantin/konstantin constantine/konstantine
constantinos/konstantinos consuelo cooper cora/kora coral coralie corazon cordelia corentin
corey/corie/correy/cory/korey/kory cori/kori corinna corinne/corin/corrin/corrine cormac/cormack
cornelia cornelius cosmin/cosmyn cosmo costas/kostas costel costin
courtney/cortney/courteney/courtnay/kourtney craig/creg/kraig cressida cristi cristiano/christiano
cristovao cruz crystal/christal/cristal/kristal/krystal cuong curtis/curtiss/kurtis custodio
cynthia/cinthia cyprien cyril/cyrille cyrus czeslaw czeslawa da dafydd/davyth dagmara dahab/dehab
dahabo dahir/daahir daisy/daisey/daisi/daisie dakota/dakotah dalal dale/dail
dalia/dahlia/daliya/dalya dalibor daljit/daljeet dallas damian/damien/damion/damon/damyan/daymian
damilola/damilolah damir dana/danah danae dang daniel/daneil/danial/daniil/danniel/danyal/danyl
daniella/daniela/daniyela danielle/daniele/danniele/dannielle/danyell/danyelle danilo
danish/daanish daniyal/daniyaal dante/dantay danuta danute dao daphne/daphnie
dara/daragh/darah/darragh darcy/darcey/darci/darcie dardan daria/darya dario/darrio darius/dariusz
dariush/daryush dariya darlene/darleen darren/darin/darran/darron/darryn darshan/darshaan darshana
daryl/darel/darrel/darrell/darryl dat daud/daood/daoud/dawood/dawoud/dawud davi
david/davide/davyd/dawid davidson davina/davinia davinder/devender/devinder davis davoud
dawit/davit/dawith dawn/dawne dawson/dawsen dax daya dayo de dean/deane/dene
deana/deanah/deanna/deena/dina deborah/debora/deborrah/debrah declan/declann/deklan deep/dip
deepa/dipa deepak/dipak deepali/dipali deepika/dipika deepti/dipti deeqa/deqa defne degmo
deirdre/deidra/deidre dejen delal delali dele delfina delia delilah/dalila/delila della/dela
delphine/delfine delroy delta demet demetra/dimitra demi/demie denisa denise/denice/denisse/denyse
deniz dennis/denis/denys denzel/denzil deqo/deeqo derek/deric/derick/derik/derrick
dermot/dermott/diarmuid dervla/dearbhla derya desiree/desire desmond/desmund despina/despoina
desta/destah destiny/destinee/destinie detlef dev devi devika devon/devan/deven/devin
devorah/devora devrim dewei dewi/dewie dexter/dextar dharshini/darshini dhaval dhruv/druv dhruvi
diana/dianna/dyana diane/dianne/dyanne didem diego dieter dietrich dieudonne dila dilani dilara
dilek dilini dilip/dileep dillon/dilan/dillan/dylan/dylon dilraj dilshad/dilshod dilwyn dimitar
dimitrios/demetrios dimitris dimple dinah dinesh/dineesh ding dinh dinusha diogo dion/deon/dionne
dionysios dionysus diosdado dipen dipesh/deepesh dirk/dirck disha/deesha divina divya/divia/divyaa
diya/dia/diyaa diyar/dyar dmitrii dmitry/dimitri/dimitrie/dimitry/dmitri/dmytro dobrawa dogan
dolores/delores dominador domingos/domingo dominic/domenic/dominick/dominik/domonic
dominica/domenica/dominika dominique donald/donal donatella donella dong donika donna/donnah
donovan/donavan dorcas/dorkas doreen/dorene/dorine dorian/dorien dorin dorina doris/dorris
dorothea/dorota/dorotea dorothy/dorah/dorathy/dorothie douglas/douglass dov dovid dragan dragana
dragos drake drita driton du duaa/doua/dua dualeh/duale duan duarte duc dulcie/dulcy duncan/dunkan
dung dunstan duong dustin/dustyn duy duygu dwayne/duane/dwain dwight dylis/dilys eabha eadaoin
eamon/eamonn earl/erl ebele ebenezer/ebeneezer ebere ebla/eebla ebony/eboni/ebonie ebru ebuka ece
echezona echo eckhard eda eden/edan/edin edgar/edger edgardo edilson edison edita/edyta edite
edith/edyth/edythe edmond/edmondo/edmund edmundo edna/ednah edona edouard/eduard/eduardo edvard
edward/edwards edwige edwin/edwyn edwina efe effie/effy efosa efrain efrayim efren
efthimios/efthymios eftychia efua/efuah ege egle egzon eifion eila eilidh/ailidh/eiley
eilis/ailish/eilish eiman eimear/eimer/emer eira/ira eirian eirini/irini eiry ejike ekene ekow
ekram/ekraam/ikraam/ikram ekua elaheh elaina elaine/elane/elayne/ilaine elazar/eleazar elchonon
eleanor/elanor/eleanore/elenor/eleonor/elinor eleanora/elenora/eleonora eleftheria eleftherios
elena eleni eleri/elery elfriede/elfrida elia/eliah eliana/elianna eliane/elianne elias/ellias
elie eliezer elif/elyf eliff elijah/elija/eliya elin/elen/ellen/ellin/ellyn/elyn elio
eliot/eliott/elliot/elliott/elliotte/elyot elira elisa elisabeta elisabete/elisabetta
elise/elize/ellise/elyse eliseu/eliseo elisha elisheva eliyahu/eliyohu eliza elizabeta
elizabeth/elisabeth elke/elka ellis/elis/ellys elmi elnaz elodie/elody eloi eloisa
eloise/elouise/heloise elona/elonah elowen elpida elroy elsa/elza else elspeth elton/elten elvie
elvin elvira/elvyra elvis elwyn/elwin elzbieta/elizbieta/elzbyeta eman/emaan/imaan/iman/imane
emanuella/emanuela/emmanuella emanuelle emanuil ember emelita emeric emery/emory emil/emile/emille
emilia/emillia emilian emiliana emiliano emilie emilio
emily/emely/emilee/emilly/emmeli/emmily/emyly emin emine emlyn/emlin emma/ema/emmah emmanouil
emmanuel/emanuel emmeline/emeline emmerson/emerson emmet/emmett/emmit emrah emre/emray emrys/emris
endrit enes enfys engin enid enitan enkeleda enlai ennis enoch enrica enrico enrique enzo eoin
ephraim/efraim ephrem/efrem epifanio eray erdal erdem eren ergun erhan/erhann erhard
eric/erick/erik/eryk erica/ericka/erika/erikah erin/erinn/eryn erkan erlinda ermal ermelinda
ermias/eremias ernest/earnest ernestina ernestine ernesto ernst errol/erroll ersin/ersyn ertugrul
ervin esau ese esen eshal/ishal esi esin esmae esme/esmai/esmay/esmee esmeralda/esmerelda esmond
esperanza esteban/estevan/estevao estefania estela estella estelle/estele/estell
esther/esta/ester/hester esti estifanos estrelita estrella esty ethan/eathan/eithan/ethen ethel
ethna/eithne/enya etienne etleva euan/ewan/ewen/owain eudes eugenie eugenio eulalia eunice/eunise
euros eva evan evangelia evangelina evangeline evangelos evanthia evelina
evelyn/eave/evelin/eveline/evelyne/evelynn everett/everet evgenia evgeny/evgeni/evgenii
eyerusalem/yerusalem eylem eylul eyob ezekiel ezequiel ezgi ezinne/ezinneh ezo ezra/esra
fabian/fabien/fabyan fabiana/fabianna fabiano fabienne fabio fabiola fabrice fabricio/fabrizio
fadi/fady fadil/faazil/fadhil/fazil fadila/fadhila/fazeela/fazila fadime fadl fadumo/faduma
fahad/fahd/fahed faheem/fahim/fehim faheema/fahima fahmi fahmida/fahmeeda faiga/feiga
fairuz/fairouz/fayrouz faisal/faizal/faysal/faysel/feisal faiso faith/fayth faiz/faez/fayez
faiza/faeza/faizah/fayza faizan/faizaan fakhar/fakhr falak falis fallon fan fana fang farah/fara
faramarz faranak farhad/farhaad farhan/farhaan/ferhan farhana/farhaana farhat/ferhat
farhia/farhiya/farxiya fariba farid/fareed/ferid farida/fareeda/faridah farideh faris/faaris/fares
farishta farnaz farooq/farook/farouk/farouq/faruk/faruq farrah farrokh farshad farshid
fartun/fartuun farxan faryal/feryal farzad/farzaad farzan farzana/farzaana farzaneh fatbardha
fatemeh fatih/fatah/fateh fatiha/fateha
fatima/faatima/faatimah/fatema/fatemah/fathima/fathimah/fatimah/fatimata/fatimeh/fatma/fatoumata
fatin/faten fatjon fatmir fatos fatou/fatoo faustine fausto fauzia/fawzia/fawziya/fouzia/fozia
favour/favor fawad/fawaad/fouad/fuaad/fuad fawaz/fawwaz fay/fae/faye fayaz/fayyaz/feyyaz/fiaz
fazeel fearne federica federico fedir/fedor/fiodor/fyodor fei felice felicia/feliciya/felisha
felicie felicien felicite felicity/felisity felipe/felippe/filipe felisbela felix/feliks/felyx fen
fenella feng ferda ferdinand fereshteh/fereshta fergal/feargal fergus/fearghas fermin/firmin
fern/ferne fernand fernanda fernando feven/faven/fewen fevzi fia fiacre fiadh fidan figen fiifi
fikret fikru filipa/felipa filiz filmon/philmon finbar/finbarr
finlay/findlay/finlea/finley/finly/finnley finn/fin/fyn/fynn finnian/finian/fionn
fiona/ffion/fionna/fyona fionnuala/finnuala/finola fiorella firas/feras/firaas firat/furat
firdaus/ferdous/firdous/firdows firdausi firouz firouzeh firoz/fairoz/feroz/firuz
firoza/feroja/feroza fithawi fitsum flamur flavia/flavya flavie flavien flavio flavius fletcher
fleur/flur flora/florah flordeliza florence/florance/florrence florent florentin
florentina/florentyna florian/floryan florica florin/floryn florina florine florjan floyd
flynn/flyn folake folarin folasade fong forough forouzan forrest/forest fortunato foruzan fos
foster fotini/foteini fotis fowsia/fowziya fraidy franca frances
francesca/franceska/franchesca/francheska francesco/francisco francis/franck francisca/franciska
franco francois francoise franklin/franklyn franz/frans franziska fraser/frasier/frazer/frazier
frauke fraya freda/freida/frida/frieda frederica/frederika
frederick/frederic/frederik/fredric/fredrick/fredrik/friedrich frederique freshta
freweini/freweyni/frewoini freya/freia/freyah/freyja friederike fritz fu fulvio funda fung funke
funmi funmilayo funmilola furqan/furkan fuzail/fudail
"""
